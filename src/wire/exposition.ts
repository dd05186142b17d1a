// Parsing of exposition text for real: the kernel does it, and where it leaves something over (numbers with many digits,
// the reason why a body is malformed) the twins' functions finish it.
import { invariant } from '../base/index.ts';
import type { ExpositionKernel } from '../kernel/index.ts';
import {
  type ExpositionDocument,
  type ExpositionFormat,
  type MetricType,
  asciiText,
  decodeText,
  parseFloatText,
} from './exposition-scan.ts';
import { parseExpositionText } from './exposition-text.ts';
import { parseOpenMetricsText } from './openmetrics-text.ts';

/** Parses with the twin: slow, but with texts for errors. Throws TidemarkError `bad_exposition`. */
export const parseExpositionTwin = (body: Uint8Array, format: ExpositionFormat): ExpositionDocument =>
  format === 'text' ? parseExpositionText(body) : parseOpenMetricsText(body);

/** Parses a body into the kernel's rows. Throws TidemarkError `bad_exposition` with Prometheus' reason and the line. */
export function parseExposition(kernel: ExpositionKernel, body: Uint8Array, format: ExpositionFormat): void {
  const wellFormed = kernel.parse(body, format === 'openmetrics');
  if (wellFormed && (kernel.pending === 0 || settlePending(kernel, body))) return;
  parseExpositionTwin(body, format);
  invariant(false, 'kernel and twin disagree on an exposition body', { format, bytes: body.length });
}

/** Reads the numbers that the kernel left over; false if one is none. */
function settlePending(kernel: ExpositionKernel, body: Uint8Array): boolean {
  for (let row = 0; row < kernel.count; row++) {
    const value = kernel.pendingValue(row);
    if (value) {
      const number = parseFloatText(asciiText(body, value.start, value.end));
      if (typeof number === 'string') return false;
      kernel.setValue(row, number);
    }
    const time = kernel.pendingTime(row);
    if (time) {
      const seconds = finiteAt(body, time.start, time.end);
      if (seconds === undefined) return false;
      kernel.setTimeMs(row, Math.trunc(seconds * 1000) + 0);
    }
    const exemplar = kernel.pendingExemplar(row);
    if (exemplar !== undefined && !settleExemplar(kernel, body, exemplar)) return false;
  }
  return true;
}

function finiteAt(body: Uint8Array, start: number, end: number): number | undefined {
  const number = parseFloatText(asciiText(body, start, end));
  return typeof number === 'number' && Number.isFinite(number) ? number : undefined;
}

/** Reads `value` or `value timestamp`, up to the end of the line; false if one is no number. */
function settleExemplar(kernel: ExpositionKernel, body: Uint8Array, index: number): boolean {
  const start = kernel.exemplarPlaces(index).value;
  const newline = body.indexOf(10, start);
  const [value, time] = asciiText(body, start, newline < 0 ? body.length : newline).split(' ');
  const number = parseFloatText(value);
  if (typeof number === 'string') return false;
  const seconds = time === undefined ? 0 : parseFloatText(time);
  if (typeof seconds === 'string' || !Number.isFinite(seconds)) return false;
  kernel.setExemplar(index, number, time === undefined ? undefined : Math.trunc(seconds * 1000) + 0);
  return true;
}

/** One metric family's line of metadata. */
export interface MetadataLine {
  readonly kind: 'type' | 'help' | 'unit';
  readonly family: string;
  readonly text: string;
}

const KINDS = ['type', 'help', 'unit'] as const;

/** The metadata lines of the kernel's rows. Makes strings: only for bodies whose metaHash has changed. */
export function metadataLines(kernel: ExpositionKernel, body: Uint8Array, format: ExpositionFormat): MetadataLine[] {
  return Array.from({ length: kernel.metaCount }, (_, row) => {
    const kind = KINDS[kernel.meta(row, 0)];
    const family = decodeText(body.subarray(kernel.meta(row, 1), kernel.meta(row, 2))) ?? '';
    const text = decodeText(body.subarray(kernel.meta(row, 3), kernel.meta(row, 4))) ?? '';
    return {
      kind,
      family,
      text: kind === 'help' ? unescapeHelp(text, format) : kind === 'type' ? typeText(text) : text,
    };
  });
}

// OpenMetrics escapes quotes in help texts as in label values, the Prometheus format does not.
const unescapeHelp = (text: string, format: ExpositionFormat): string =>
  text.replace(format === 'text' ? /\\([\\n])/g : /\\([\\n"])/g, (_, c) => (c === 'n' ? '\n' : c));
const typeText = (text: string): MetricType => (text === 'untyped' ? 'unknown' : (text as MetricType));
