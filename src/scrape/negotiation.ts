// Which format a target is asked for and which one it sent, as Prometheus 3 does it.
import { TidemarkError } from '../base/index.ts';
import { SCRAPE_PROTOCOLS, type EscapingScheme, type ScrapeProtocol } from '../config/index.ts';
import { goQuote } from '../model/index.ts';
import type { ExpositionFormat } from '../wire/index.ts';

/** The Accept header: the job's protocols by falling weight, then anything. Only versions 1.0.0 know an escaping. */
export function acceptHeader(protocols: readonly ScrapeProtocol[], escaping: EscapingScheme): string {
  let weight = Object.keys(SCRAPE_PROTOCOLS).length + 1;
  const parts = protocols.map((protocol) => {
    const escapes = protocol.endsWith('1.0.0') ? `;escaping=${escaping}` : '';
    return `${SCRAPE_PROTOCOLS[protocol]}${escapes};q=0.${weight--}`;
  });
  return [...parts, `*/*;q=0.${weight}`].join(',');
}

/** What a body can be: text as it is parsed, or protobuf, which is made into text. */
export type BodyFormat = ExpositionFormat | 'protobuf';

const FORMATS: Readonly<Record<string, BodyFormat>> = {
  'text/plain': 'text',
  'application/openmetrics-text': 'openmetrics',
  'application/vnd.google.protobuf': 'protobuf',
};
const MEDIA_TYPE = /^\s*([\w!#$%&'*+.^`|~-]+(?:\/[\w!#$%&'*+.^`|~-]+)?)\s*(?:;.*)?$/s;

const refuse = (text: string): TidemarkError => new TidemarkError('bad_content_type', text);

/** The format of a body by its Content-Type, or by the job's fallback where that says nothing useful. */
export function bodyFormat(contentType: string, fallback: ScrapeProtocol | ''): BodyFormat {
  const mediaType = MEDIA_TYPE.exec(contentType)?.[1].toLowerCase();
  if (mediaType !== undefined && Object.hasOwn(FORMATS, mediaType)) return FORMATS[mediaType];
  if (fallback !== '') return FORMATS[SCRAPE_PROTOCOLS[fallback].split(';')[0]];
  if (contentType === '') {
    throw refuse(
      'non-compliant scrape target sending blank Content-Type and no fallback_scrape_protocol specified for target',
    );
  }
  const shown = goQuote(contentType);
  if (mediaType === undefined) {
    throw refuse(`cannot parse Content-Type ${shown} and no fallback_scrape_protocol for target`);
  }
  throw refuse(`received unsupported Content-Type ${shown} and no fallback_scrape_protocol specified for target`);
}
