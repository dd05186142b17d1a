// The one error a query text can cause. Its text is the one Prometheus users know: `line:column: parse error: ...`,
// line and column from 1, the column in bytes.
import { TidemarkError, utf8 } from '../../base/index.ts';
import type { Span } from '../ast.ts';

/** A query that is not PromQL, or not well typed. `pos` is the place in the query, in UTF-8 bytes. */
export class ParseError extends TidemarkError {
  readonly pos: Span;
  constructor(query: string, pos: Span, text: string, cause?: unknown) {
    super('bad_data', `${place(query, pos.start)}: parse error: ${text}`, { cause });
    this.pos = pos;
  }
}

/** `line:column` of a byte offset in `query`, as annotations and errors carry it. */
export function place(query: string, byteOffset: number): string {
  if (query === '') return 'unknown position';
  const bytes = utf8(query);
  if (byteOffset < 0 || byteOffset > bytes.length) return 'invalid position';
  let line = 1;
  let lastLineBreak = -1;
  for (let i = bytes.indexOf(10); i !== -1 && i < byteOffset; i = bytes.indexOf(10, i + 1)) {
    line++;
    lastLineBreak = i;
  }
  return `${line}:${byteOffset - lastLineBreak}`;
}
