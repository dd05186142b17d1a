// The block kernel in plain TypeScript: the same bytes, the same answers, slowly. Its errors say what is wrong with a column, and
// `describeColumn` how one is encoded.

import { invariant } from '../base/index.ts';
import type { BlockKernel } from './block-kernel.ts';
import { ByteSink, ByteSource, corruptColumn, expect } from './block-twin-bytes.ts';
import {
  VECTOR_SAMPLES_MAX,
  type VectorShape,
  firstTime,
  getVector,
  lineOf,
  numberOf,
  putSame,
  putTimes,
  putVector,
  readSame,
  timesOf,
} from './block-twin-vector.ts';

/** What the kernel has room for at first. */
const SAMPLES_MIN = 2048;
const VECTOR_SAMPLES = 1024;
const VECTORS = 0xff;
const COUNT_MAX = 0x7fffffffn;
const INTEGER_BOUND = 2 ** 53;

/** How a column is encoded, for dumps. */
export interface ColumnDescription {
  readonly samples: number;
  readonly bytes: number;
  readonly vectors: readonly VectorShape[];
}

/** A block kernel without WebAssembly. */
export function createBlockTwin(): BlockKernel {
  const twin = new BlockTwin();
  twin.reserve(SAMPLES_MIN);
  return twin;
}

/** How each vector of a column is encoded. Decodes all of it; throws a corrupt error if it is malformed. */
export function describeColumn(bytes: Uint8Array): ColumnDescription {
  const column = readColumn(bytes);
  const vectors: VectorShape[] = [];
  for (const { bytes: vector, samples } of column.vectors) {
    if (samples > VECTOR_SAMPLES_MAX) vectors.push(shapeOfUniform(vector, samples));
    else getVector(vector, samples, (shape) => vectors.push(shape));
  }
  return { samples: column.count, bytes: bytes.length, vectors };
}

/** One value or one line for any number of samples has the shape that it has for a few. */
function shapeOfUniform(vector: Uint8Array, samples: number): VectorShape {
  let found: VectorShape | null = null;
  getVector(vector, 3, (shape) => {
    found = { ...shape, samples, changes: shape.mode === 'same' ? 1 : samples };
  });
  invariant(found !== null, 'a vector has a shape');
  return found;
}

const vectorsOf = (count: number): number => Math.max(Math.floor(count / VECTOR_SAMPLES), 1);
const samplesOf = (index: number, count: number): number =>
  index + 1 < vectorsOf(count) ? VECTOR_SAMPLES : count - index * VECTOR_SAMPLES;

/** A column's vectors. One of more than 2,047 samples is one value or a line. */
interface Column {
  readonly count: number;
  readonly vectors: Iterable<{ readonly bytes: Uint8Array; readonly samples: number }>;
}

function* readVectors(source: ByteSource, count: number): Generator<{ bytes: Uint8Array; samples: number }> {
  const vectors = vectorsOf(count);
  const lengths = source.take((vectors - 1) * 2);
  for (let i = 0; i < vectors; i++) {
    const length = i + 1 < vectors ? lengths[i * 2] | (lengths[i * 2 + 1] << 8) : source.end - source.at;
    expect(length > 0, `vector ${i} is empty`);
    yield { bytes: source.take(length), samples: samplesOf(i, count) };
  }
}

function readColumn(bytes: Uint8Array): Column {
  const source = new ByteSource(bytes);
  const number = source.varint();
  expect(number <= COUNT_MAX, `its count is out of range; got ${number}`);
  const count = Number(number);
  expect((count === 0) === source.isDone, `it has ${count} samples in ${source.end - source.at} bytes`);
  if (count === 0) return { count, vectors: [] };
  const body = bytes.subarray(source.at);
  if (body[0] !== VECTORS) {
    expect(count <= VECTOR_SAMPLES_MAX || isUniform(body), `a vector is too long; got ${count} samples`);
    return { count, vectors: [{ bytes: body, samples: count }] };
  }
  expect(count > VECTOR_SAMPLES_MAX, `it has vectors for one; got ${count} samples`);
  expect(1 + (vectorsOf(count) - 1) * 2 < body.length, 'it ends before its vectors');
  source.u8();
  return { count, vectors: readVectors(source, count) };
}

function isUniform(body: Uint8Array): boolean {
  return readSame(body) !== null || lineOf(body) !== null;
}

/** Decodes samples [from, to) of a column. */
function getColumn(bytes: Uint8Array, from: number, to: number): BigUint64Array {
  const { count, vectors } = readColumn(bytes);
  expect(to <= count, `it has too few samples; got ${count} for [${from}, ${to})`);
  const values = new BigUint64Array(to - from);
  let first = 0;
  for (const { bytes: vector, samples } of to > from ? vectors : []) {
    if (first >= to) break;
    const low = Math.max(from, first);
    const high = Math.min(to, first + samples);
    if (low < high) values.set(getRange(vector, samples, low - first, high - first), low - from);
    first += samples;
    if (first >= to) break;
  }
  return values;
}

function getRange(vector: Uint8Array, samples: number, from: number, to: number): BigUint64Array {
  if (samples <= VECTOR_SAMPLES_MAX) return getVector(vector, samples).subarray(from, to);
  const same = readSame(vector);
  if (same !== null) return new BigUint64Array(to - from).fill(same);
  const line = lineOf(vector);
  expect(line !== null, `a vector is too long; got ${samples} samples`);
  const numbers = new Float64Array(to - from);
  for (let i = from; i < to; i++) numbers[i - from] = timeOfLine(line, i);
  return new BigUint64Array(numbers.buffer);
}

const timeOfLine = ({ first, step }: { first: bigint; step: bigint }, index: number): number =>
  Number(BigInt.asIntN(64, first + step * BigInt(index)));

function checkTimes(times: Float64Array): void {
  const isAscending = times.every((ms, i) => i === 0 || ms >= times[i - 1]);
  const isExact = [...times.subarray(0, 1), ...times.subarray(-1)].every((ms) => Math.abs(ms) < INTEGER_BOUND);
  if (!isAscending || !isExact) throw corruptColumn('its times do not ascend or are out of range');
}

/** First index in [0, count) whose time is at or after `ms`, or count. */
function searchTimes(count: number, timeAt: (index: number) => number, ms: number): number {
  let low = 0;
  let high = count;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (timeAt(middle) >= ms) high = middle;
    else low = middle + 1;
  }
  return low;
}

class BlockTwin implements BlockKernel {
  #ts = new Float64Array(0);
  #vs = new Float64Array(0);
  #vsWords = new Uint32Array(0);

  get ts(): Float64Array {
    return this.#ts;
  }

  get vs(): Float64Array {
    return this.#vs;
  }

  get vsWords(): Uint32Array {
    return this.#vsWords;
  }

  reserve(samples: number): void {
    if (samples <= this.#ts.length) return;
    this.#ts = new Float64Array(samples);
    this.#vs = new Float64Array(samples);
    this.#vsWords = new Uint32Array(this.#vs.buffer);
  }

  encodeTimes(count: number): Uint8Array {
    invariant(count <= this.#ts.length, 'times beyond what is reserved', count);
    const times = this.#ts.subarray(0, count);
    const sink = new ByteSink();
    sink.varint(count);
    const isRegular = times.every((ms, i) => i < 2 || ms - times[i - 1] === times[1] - times[0]);
    if (count === 0) return sink.bytes;
    if (count <= VECTOR_SAMPLES_MAX) putTimes(sink, times);
    else if (isRegular) putTimes(sink, times.subarray(0, 3));
    else putVectors(sink, count, (out, from, to) => putTimes(out, times.subarray(from, to)));
    return sink.bytes;
  }

  encodeValues(count: number): Uint8Array {
    invariant(count <= this.#vs.length, 'values beyond what is reserved', count);
    const values = new BigUint64Array(this.#vs.buffer, 0, count);
    const sink = new ByteSink();
    sink.varint(count);
    if (count === 0) return sink.bytes;
    if (values.every((bits) => bits === values[0])) putSame(sink, values[0]);
    else if (count <= VECTOR_SAMPLES_MAX) putVector(sink, values);
    else putVectors(sink, count, (out, from, to) => putVector(out, values.subarray(from, to)));
    return sink.bytes;
  }

  decodeTimes(bytes: Uint8Array, from: number, to: number): void {
    this.#checkRange(from, to);
    const times = new Float64Array(getColumn(bytes, from, to).buffer);
    checkTimes(times);
    this.#ts.set(times);
  }

  decodeValues(bytes: Uint8Array, from: number, to: number): void {
    this.#checkRange(from, to);
    this.#vsWords.set(new Uint32Array(getColumn(bytes, from, to).buffer));
  }

  count(bytes: Uint8Array): number {
    return readColumn(bytes).count;
  }

  lowerBound(bytes: Uint8Array, ms: number): number {
    const { count, vectors } = readColumn(bytes);
    let found: { bytes: Uint8Array; samples: number } | null = null;
    let first = -VECTOR_SAMPLES;
    for (const vector of vectors) {
      expect(timesOf(vector.bytes) !== null, 'it has no times');
      if (found !== null && Number(firstTime(vector.bytes)) >= ms) break;
      found = vector;
      first += VECTOR_SAMPLES;
    }
    if (found === null) return 0;
    const { bytes: vector, samples } = found;
    const line = samples === count ? lineOf(vector) : null;
    if (line !== null) return searchTimes(count, (i) => timeOfLine(line, i), ms);
    const values = getVector(vector, samples);
    return first + searchTimes(samples, (i) => numberOf(values[i]), ms);
  }

  #checkRange(from: number, to: number): void {
    invariant(from >= 0 && from <= to && to - from <= this.#ts.length, 'no such range in what is reserved', {
      from,
      to,
    });
  }
}

function putVectors(sink: ByteSink, count: number, put: (sink: ByteSink, from: number, to: number) => void): void {
  const vectors = Array.from({ length: vectorsOf(count) }, (_, i) => {
    const vector = new ByteSink();
    put(vector, i * VECTOR_SAMPLES, i * VECTOR_SAMPLES + samplesOf(i, count));
    return vector.bytes;
  });
  sink.u8(VECTORS);
  for (const { length } of vectors.slice(0, -1)) sink.append([length & 255, length >> 8]);
  for (const vector of vectors) sink.append(vector);
}
