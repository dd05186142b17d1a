// Encoder of remote write 1.0 (prometheus.WriteRequest). The message layout is drawn in
// kernels/intake/remote-write-v1.ts.
import { ByteWriter, utf8 } from '../base/index.ts';
import { exemplarMessage } from './prometheus-exemplars.ts';
import { writeHistogram } from './remote-write-histogram.ts';
import { type WireMetadata, type WireSeries, writeBytes, writeSample, writeText } from './remote-write.ts';

/** A request body, not yet compressed. */
export function encodeRemoteWriteV1(series: readonly WireSeries[], metadata: readonly WireMetadata[] = []): Uint8Array {
  const out = new ByteWriter(1 << 16);
  const message = new ByteWriter();
  const part = new ByteWriter();
  for (const one of series) {
    message.clear();
    encodeSeries(message, part, one);
    writeBytes(out, 0x0a, message.view());
  }
  for (const one of metadata) {
    message.clear();
    encodeMetadata(message, one);
    writeBytes(out, 0x1a, message.view());
  }
  return out.finish();
}

function encodeSeries(out: ByteWriter, part: ByteWriter, series: WireSeries): void {
  const { labels, samples, histograms = [], exemplars = [] } = series;
  for (const [name, value] of labels) {
    part.clear();
    writeBytes(part, 0x0a, utf8(name));
    writeBytes(part, 0x12, utf8(value));
    writeBytes(out, 0x0a, part.view());
  }
  for (const sample of samples) {
    part.clear();
    writeSample(part, sample);
    writeBytes(out, 0x12, part.view());
  }
  for (const exemplar of exemplars) writeBytes(out, 0x1a, exemplarMessage(exemplar));
  for (const histogram of histograms) {
    part.clear();
    writeHistogram(part, histogram);
    writeBytes(out, 0x22, part.view());
  }
}

function encodeMetadata(out: ByteWriter, { name, type, help, unit }: WireMetadata): void {
  if (type !== 0) {
    out.u8(0x08);
    out.varint(type);
  }
  writeText(out, 0x12, name);
  writeText(out, 0x22, help);
  writeText(out, 0x2a, unit);
}
