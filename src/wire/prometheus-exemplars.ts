// Exemplars of the protobuf exposition format (io.prometheus.client.Exemplar), and as remote write 1.0 sends them.
import { ByteWriter, corruptError } from '../base/index.ts';
import { compareUtf8 } from '../model/index.ts';
import { type ProtoReader, putBytes, putDouble, putInt, putText } from './protobuf.ts';

/** An exemplar of a page; `timestampMs` undefined: it has no time of its own. */
export interface ExposedExemplar {
  /** Names and values in turns, as sent. */
  readonly labels: readonly string[];
  readonly value: number;
  readonly timestampMs: number | undefined;
}

const NANOS_MAX = 1e9;

function labelOf(input: ProtoReader): [string, string] {
  let [name, value] = ['', ''];
  while (input.next()) {
    if (input.field === 1) name = input.text();
    else if (input.field === 2) value = input.text();
    else input.skip();
  }
  return [name, value];
}

/** google.protobuf.Timestamp { int64 seconds = 1; int32 nanos = 2 }. */
function timestampMs(input: ProtoReader): number {
  let [seconds, nanos] = [0, 0];
  while (input.next()) {
    if (input.field === 1) seconds = input.int();
    else if (input.field === 2) nanos = input.int();
    else input.skip();
  }
  if (Math.abs(nanos) >= NANOS_MAX) throw corruptError(`cannot decode exemplar: its time has ${nanos} nanoseconds`);
  return seconds * 1000 + Math.trunc(nanos / 1e6);
}

/** Reads an io.prometheus.client.Exemplar. Throws a corrupt error. */
export function readClientExemplar(input: ProtoReader): ExposedExemplar {
  const labels: string[] = [];
  let value = 0;
  let ownMs: number | undefined;
  while (input.next()) {
    if (input.field === 1) labels.push(...labelOf(input.message()));
    else if (input.field === 2) value = input.double();
    else if (input.field === 3) ownMs = timestampMs(input.message());
    else input.skip();
  }
  return { labels, value, timestampMs: ownMs };
}

/** In the order in which they can be stored: by time, value, labels. */
export function sortExemplars(exemplars: readonly ExposedExemplar[]): ExposedExemplar[] {
  const compareLabels = (a: readonly string[], b: readonly string[]): number => {
    for (let i = 0; i < a.length && i < b.length; i++) if (a[i] !== b[i]) return compareUtf8(a[i], b[i]);
    return a.length - b.length;
  };
  return [...exemplars].sort(
    (a, b) => (a.timestampMs ?? 0) - (b.timestampMs ?? 0) || a.value - b.value || compareLabels(a.labels, b.labels),
  );
}

/** The fields of prometheus.Exemplar: labels = 1, value = 2, timestamp = 3. */
export function exemplarMessage({ labels, value, timestampMs: timeMs = 0 }: ExposedExemplar): Uint8Array {
  const out = new ByteWriter(96);
  const label = new ByteWriter(64);
  for (let i = 0; i < labels.length; i += 2) {
    label.clear();
    putText(label, 1, labels[i]);
    putText(label, 2, labels[i + 1]);
    putBytes(out, 1, label.view());
  }
  putDouble(out, 2, value);
  putInt(out, 3, timeMs);
  return out.finish();
}
