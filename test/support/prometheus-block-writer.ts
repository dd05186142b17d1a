// A block directory of Prometheus with chosen chunks, for tests.
import { crc32c, utf8 } from '../../src/base/index.ts';
import type { Files } from '../../src/io/index.ts';
import { type Labels, compareUtf8 } from '../../src/model/index.ts';
import { BitWriter } from './prometheus-bit-writer.ts';

/** A chunk as encoded data, and the times it spans. */
export interface WrittenChunk {
  readonly encoding: number;
  readonly data: Uint8Array;
  readonly minMs: number;
  readonly maxMs: number;
}

export interface WrittenSeries {
  readonly labels: Labels;
  readonly chunks: readonly WrittenChunk[];
}

export interface WrittenBlock {
  readonly series: readonly WrittenSeries[];
  readonly version?: number;
  /** By index into `series`. */
  readonly deleted?: readonly { series: number; minMs: bigint; maxMs: bigint }[];
  readonly parents?: readonly string[];
}

const u32 = (value: number): number[] => [24, 16, 8, 0].map((shift) => (value >>> shift) & 255);
const u64 = (value: number): number[] => [...u32(0), ...u32(value)];
const bytesOf = (fill: (out: BitWriter) => void): Uint8Array => {
  const out = new BitWriter();
  fill(out);
  return out.finish();
};

function putAll(out: number[], bytes: Iterable<number>): void {
  for (const byte of bytes) out.push(byte);
}

function encodeSegment(series: readonly WrittenSeries[]): { bytes: Uint8Array; offsets: number[][] } {
  const out = [...u32(0x85bd40dd), 1, 0, 0, 0];
  const offsets = series.map(({ chunks }) =>
    chunks.map(({ encoding, data }) => {
      const offset = out.length;
      const body = Uint8Array.from([encoding, ...data]);
      putAll(
        out,
        bytesOf((bits) => bits.uvarint(BigInt(data.length))),
      );
      putAll(out, body);
      putAll(out, u32(crc32c(body)));
      return offset;
    }),
  );
  return { bytes: Uint8Array.from(out), offsets };
}

function encodeIndex(series: readonly WrittenSeries[], version: number, offsets: number[][]) {
  const out = [...u32(0xbaaad700), version];
  const texts = [...new Set(series.flatMap(({ labels }) => labels.pairs))].sort(compareUtf8);
  const references = new Map<string, number>();
  const symbols = [...u32(texts.length)];
  for (const [i, text] of texts.entries()) {
    references.set(text, version === 1 ? out.length + 4 + symbols.length : i);
    const bytes = utf8(text);
    putAll(
      symbols,
      bytesOf((bits) => bits.uvarint(BigInt(bytes.length))),
    );
    putAll(symbols, bytes);
  }
  const symbolsAt = out.length;
  putAll(out, u32(symbols.length));
  putAll(out, symbols);
  putAll(out, u32(crc32c(Uint8Array.from(symbols))));
  const places: number[] = [];
  let seriesAt = 0;
  for (const [i, { labels, chunks }] of series.entries()) {
    while (version > 1 && out.length % 16 !== 0) out.push(0);
    if (i === 0) seriesAt = out.length;
    places.push(version === 1 ? out.length : out.length / 16);
    const body = bytesOf((bits) => {
      bits.uvarint(BigInt(labels.size));
      for (const text of labels.pairs) bits.uvarint(BigInt(references.get(text) as number));
      writeChunkReferences(bits, chunks, offsets[i]);
    });
    putAll(
      out,
      bytesOf((bits) => bits.uvarint(BigInt(body.length))),
    );
    putAll(out, body);
    putAll(out, u32(crc32c(body)));
  }
  const end = out.length;
  putAll(out, [1, 2, 3, 4]); // Where postings would be.
  const contents = [symbolsAt, seriesAt, 0, 0, end, end].flatMap(u64);
  putAll(out, contents);
  putAll(out, u32(crc32c(Uint8Array.from(contents))));
  return { bytes: Uint8Array.from(out), places };
}

function writeChunkReferences(bits: BitWriter, chunks: readonly WrittenChunk[], offsets: readonly number[]): void {
  bits.uvarint(BigInt(chunks.length));
  for (const [i, { minMs, maxMs }] of chunks.entries()) {
    if (i === 0) bits.varint(BigInt(minMs));
    else bits.uvarint(BigInt(minMs - chunks[i - 1].maxMs));
    bits.uvarint(BigInt(maxMs - minMs));
    if (i === 0) bits.uvarint(BigInt(offsets[i]));
    else bits.varint(BigInt(offsets[i] - offsets[i - 1]));
  }
}

/** Writes a block as `directory`; its ULID is the directory's last name. */
export async function writePrometheusBlock(files: Files, directory: string, block: WrittenBlock): Promise<void> {
  const { series, version = 2, deleted = [], parents = [] } = block;
  const ulid = directory.split('/').at(-1) as string;
  await files.makeDirectory(`${directory}/chunks`);
  const segment = encodeSegment(series);
  const index = encodeIndex(series, version, segment.offsets);
  await files.writeFileAtomic(`${directory}/chunks/000001`, segment.bytes);
  await files.writeFileAtomic(`${directory}/index`, index.bytes);
  const stones = bytesOf((bits) => {
    for (const { series: at, minMs, maxMs } of deleted) {
      bits.uvarint(BigInt(index.places[at]));
      bits.varint(minMs);
      bits.varint(maxMs);
    }
  });
  const tombstones = [...u32(0x0130ba30), 1, ...stones, ...u32(crc32c(stones))];
  await files.writeFileAtomic(`${directory}/tombstones`, Uint8Array.from(tombstones));
  const times = series.flatMap(({ chunks }) => chunks.flatMap(({ minMs, maxMs }) => [minMs, maxMs + 1]));
  const meta = {
    version: 1,
    ulid,
    minTime: Math.min(...times),
    maxTime: Math.max(...times),
    stats: { numSeries: series.length },
    compaction: { level: 1, sources: [ulid], parents: parents.map((parent) => ({ ulid: parent })) },
  };
  await files.writeFileAtomic(`${directory}/meta.json`, utf8(JSON.stringify(meta)));
}
