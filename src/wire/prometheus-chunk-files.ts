// The files in chunks/ of a Prometheus block: chunks one behind the other.
//
//   ┌──────────────────┬─────────┬─────────┬──────────────────────────────────────────────────────┐
//   │ magic 0x85BD40DD │ version │ 3 zeros │ length uvarint · encoding u8 · data · CRC32C ...      │   big-endian
//   └──────────────────┴─────────┴─────────┴──────────────────────────────────────────────────────┘
//
// The CRC covers encoding and data.
import { corruptError } from '../base/index.ts';
import type { Files } from '../io/index.ts';
import { crc32c } from '../kernel/index.ts';
import { BitReader } from './prometheus-bits.ts';
import { WindowedFile } from './prometheus-file.ts';
import { type SampleBuffer, decodeXor, decodeXor2 } from './prometheus-float-chunks.ts';
import { type HistogramSample, decodeHistograms } from './prometheus-histogram-chunks.ts';

const MAGIC = 0x85bd40dd;
const VERSION = 1;
const HEADER_BYTES = 8;
const CRC_BYTES = 4;
/** A uvarint of 32 bits, then the encoding. */
const FRONT_BYTES = 6;
const CHUNK_NAME = /^\d{6}$/;

/** What the chunks of one series hold. */
export interface ChunkSamples {
  readonly floats: SampleBuffer;
  readonly histograms: HistogramSample[];
}

const HISTOGRAM_ENCODINGS = new Map([
  [2, { isInteger: true, hasStartTimes: false }],
  [3, { isInteger: false, hasStartTimes: false }],
  [5, { isInteger: true, hasStartTimes: true }],
  [6, { isInteger: false, hasStartTimes: true }],
]);

/** Decodes the data of one chunk, bytes [from, to), behind the samples that are there. */
export function decodeChunk(encoding: number, bytes: Uint8Array, from: number, to: number, into: ChunkSamples): void {
  const histogram = HISTOGRAM_ENCODINGS.get(encoding);
  if (encoding === 1) decodeXor(bytes, from, to, into.floats);
  else if (encoding === 4) decodeXor2(bytes, from, to, into.floats);
  else if (histogram) decodeHistograms(bytes, from, to, histogram, into.histograms);
  else throw corruptError(`chunk encoding ${encoding} is not known`);
}

/** The open chunk files of a block. */
export class PrometheusChunkFiles {
  readonly #segments: readonly WindowedFile[];

  private constructor(segments: readonly WindowedFile[]) {
    this.#segments = segments;
  }

  static async open(files: Files, directory: string): Promise<PrometheusChunkFiles> {
    const segments: WindowedFile[] = [];
    const opened = new PrometheusChunkFiles(segments);
    try {
      for (const name of await files.list(directory)) {
        if (!CHUNK_NAME.test(name)) continue;
        const file = await WindowedFile.open(files, `${directory}/${name}`);
        segments.push(file);
        await checkHeader(file);
      }
    } catch (error) {
      await opened.close();
      throw error;
    }
    return opened;
  }

  /** Reads the chunk at a place that an index entry names. Throws a corrupt error that tells the place. */
  async read(segment: number, offset: number, into: ChunkSamples): Promise<void> {
    const file = this.#segments[segment];
    if (file === undefined) {
      throw corruptError(
        `cannot read a chunk: it is in file ${segment + 1} of chunks/ and there are ${this.#segments.length}`,
      );
    }
    const front = file.peek(offset, FRONT_BYTES) ?? (await file.bytesUpTo(offset, FRONT_BYTES));
    const reader = new BitReader(front, 0, front.length);
    const dataLength = file.decode(offset, () => reader.smallUvarint());
    const length = 1 + dataLength + CRC_BYTES;
    const start = offset + reader.byteOffset;
    const bytes = file.peek(start, length) ?? (await file.bytes(start, length));
    const end = 1 + dataLength;
    const crc = new DataView(bytes.buffer, bytes.byteOffset, bytes.length).getUint32(end);
    if (crc32c(bytes.subarray(0, end)) !== crc) throw file.corrupt(offset, 'the checksum of a chunk is wrong');
    file.decode(offset, () => decodeChunk(bytes[0], bytes, 1, end, into));
  }

  async close(): Promise<void> {
    for (const file of this.#segments) await file.close();
  }
}

async function checkHeader(file: WindowedFile): Promise<void> {
  const header = await file.bytes(0, HEADER_BYTES);
  const view = new DataView(header.buffer, header.byteOffset, HEADER_BYTES);
  if (view.getUint32(0) !== MAGIC) throw file.corrupt(0, 'it is no file of chunks');
  if (header[4] !== VERSION) throw file.corrupt(4, `version ${header[4]} is not known; ${VERSION} is`);
}
