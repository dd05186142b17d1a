// The tokens of PromQL. `id` says which one it is: the kind for tokens with a value of their own (identifier, number,
// string, ...), the text in lower case for all others (`sum`, `and`, `==`, `(`).

export type TokenKind =
  | 'end'
  | 'identifier'
  /** An identifier with a colon in it: a metric name, never a label. */
  | 'metric identifier'
  | 'number'
  | 'duration'
  | 'string'
  | 'operator'
  | 'aggregator'
  | 'keyword'
  /** start, end, step, range, min_of, max_of: names that have a meaning only in front of a parenthesis. */
  | 'word'
  | 'punctuation';

export interface Token {
  readonly kind: TokenKind;
  readonly id: string;
  /** As written. */
  readonly text: string;
  /** UTF-16 offsets in the query. */
  readonly start: number;
  readonly end: number;
}

const words = (text: string): string[] => text.split(' ');

export const AGGREGATORS: ReadonlySet<string> = new Set(
  words('avg bottomk count count_values group max min quantile limitk limit_ratio stddev stdvar sum topk'),
);

/** Reserved words by lower-case spelling. */
export const RESERVED: ReadonlyMap<string, TokenKind> = new Map<string, TokenKind>([
  ...words('and or unless atan2').map((word) => [word, 'operator'] as const),
  ...[...AGGREGATORS].map((word) => [word, 'aggregator'] as const),
  ...words('offset smoothed anchored by without on ignoring group_left group_right bool').map(
    (word) => [word, 'keyword'] as const,
  ),
  ...words('fill fill_left fill_right').map((word) => [word, 'keyword'] as const),
  ...words('start end step range min_of max_of').map((word) => [word, 'word'] as const),
  ...words('inf nan').map((word) => [word, 'number'] as const),
]);

const METRIC_KEYWORDS = new Set(words('and or unless offset smoothed anchored by without'));
const LABEL_KEYWORDS = new Set(
  words('and or unless atan2 offset smoothed anchored by on ignoring group_left group_right bool'),
);

function isName(token: Token, keywords: ReadonlySet<string>): boolean {
  const { kind } = token;
  if (kind === 'identifier' || kind === 'metric identifier' || kind === 'aggregator' || kind === 'word') return true;
  return (kind === 'operator' || kind === 'keyword') && keywords.has(token.id);
}

/** Whether a token may stand as a metric name. */
export const isMetricName = (token: Token): boolean => isName(token, METRIC_KEYWORDS);

/** Whether a token may stand, unquoted, as a label name in by(), on(), ... */
export const isGroupingLabel = (token: Token): boolean => isName(token, LABEL_KEYWORDS);
