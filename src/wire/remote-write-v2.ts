// Encoder of remote write 2.0 (io.prometheus.write.v2.Request). The layout is drawn in
// kernels/intake/remote-write-v2.ts.
import { ByteWriter, utf8 } from '../base/index.ts';
import { METRIC_NAME } from '../model/index.ts';
import { writeHistogram } from './remote-write-histogram.ts';
import {
  type WireExemplar,
  type WireMetadata,
  type WireSeries,
  writeBytes,
  writeInt64,
  writeSample,
} from './remote-write.ts';

/** A request body, not yet compressed. Metadata is attached to the series whose metric name it has. */
export function encodeRemoteWriteV2(series: readonly WireSeries[], metadata: readonly WireMetadata[] = []): Uint8Array {
  const symbols = new Symbols();
  const byName = new Map(metadata.map((one) => [one.name, one]));
  const messages = new ByteWriter(1 << 16);
  const message = new ByteWriter();
  const part = new ByteWriter();
  for (const one of series) {
    message.clear();
    encodeSeries(message, part, one, symbols);
    const name = one.labels.find(([label]) => label === METRIC_NAME)?.[1];
    const about = name === undefined ? undefined : byName.get(name);
    if (about) encodeMetadata(message, part, about, symbols);
    writeBytes(messages, 0x2a, message.view());
  }
  const out = new ByteWriter(messages.length + (1 << 16));
  for (const symbol of symbols.list) writeBytes(out, 0x22, utf8(symbol));
  out.bytes(messages.view());
  return out.finish();
}

/** Texts of a request, each once; number 0 is the empty one. */
class Symbols {
  readonly list: string[] = [''];
  readonly #numbers = new Map<string, number>([['', 0]]);

  number(text: string): number {
    let number = this.#numbers.get(text);
    if (number === undefined) {
      number = this.list.push(text) - 1;
      this.#numbers.set(text, number);
    }
    return number;
  }
}

function encodeSeries(out: ByteWriter, part: ByteWriter, series: WireSeries, symbols: Symbols): void {
  const { labels, samples, histograms = [], exemplars = [] } = series;
  part.clear();
  for (const [name, value] of labels) {
    part.varint(symbols.number(name));
    part.varint(symbols.number(value));
  }
  writeBytes(out, 0x0a, part.view());
  for (const sample of samples) {
    part.clear();
    writeSample(part, sample, 2);
    writeBytes(out, 0x12, part.view());
  }
  for (const histogram of histograms) {
    part.clear();
    writeHistogram(part, histogram, 2);
    writeBytes(out, 0x1a, part.view());
  }
  for (const exemplar of exemplars) {
    part.clear();
    encodeExemplar(part, exemplar, symbols);
    writeBytes(out, 0x22, part.view());
  }
}

function encodeExemplar(out: ByteWriter, { labels, value, timestampMs = 0 }: WireExemplar, symbols: Symbols): void {
  const refs = new ByteWriter(16);
  for (const text of labels) refs.varint(symbols.number(text));
  writeBytes(out, 0x0a, refs.view());
  if (!Object.is(value, 0)) {
    out.u8(0x11);
    out.f64(value);
  }
  if (timestampMs === 0) return;
  out.u8(0x18);
  writeInt64(out, timestampMs);
}

function encodeMetadata(out: ByteWriter, part: ByteWriter, { type, help, unit }: WireMetadata, symbols: Symbols): void {
  part.clear();
  for (const [tag, value] of [
    [0x08, type],
    [0x18, symbols.number(help)],
    [0x20, symbols.number(unit)],
  ]) {
    if (value === 0) continue;
    part.u8(tag);
    part.varint(value);
  }
  writeBytes(out, 0x2a, part.view());
}
