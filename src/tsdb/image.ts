// An image of the head: its memory and the log position it stands at (docs/formats/image.md). A cache: one that is wrong in any way is
// passed over, and the log rebuilds the state.
//
//   ┌──────────────────────────────────────────────────────────────┬─────────────────────┬──────────────────────┐
//   │ header: "TMIM", version, layout, shard, segment, offset, brk, │ chunk CRCs           │ root and directory    │
//   │ number of chunks, CRC                                         │ u32 each             │ [0, 96 KiB), state ... │
//   └──────────────────────────────────────────────────────────────┴─────────────────────┴──────────────────────┘
//
// The body is cut into chunks of CHUNK_BYTES, each with a CRC32C.
import { type Logger, corruptError, errorText } from '../base/index.ts';
import { type Files, type LogPosition, compareLogPositions } from '../io/index.ts';
import { crc32c } from '../kernel/index.ts';
import type { HeadMemory } from './head-memory.ts';
import { LAYOUT_VERSION, STATE_BASE } from './head-memory.ts';

const MAGIC = 0x4d494d54;
const VERSION = 1;
const HEADER_BYTES = 64;
const ROOT_BYTES = 98304;
const CHUNK_BYTES = 4 * 1024 * 1024;
const IMAGES_KEPT = 2;

const imageDirectory = (shard: number): string => `head/${String(shard).padStart(3, '0')}`;
const imagePath = (shard: number, { segment, offset }: LogPosition): string =>
  `${imageDirectory(shard)}/${String(segment).padStart(8, '0')}-${String(offset).padStart(10, '0')}.image`;

/** Parts of the memory that make the image, in chunks: [from, to). */
function chunksOf(brk: number): [number, number][] {
  const chunks: [number, number][] = [[0, ROOT_BYTES]];
  for (let from = STATE_BASE; from < brk; from += CHUNK_BYTES) chunks.push([from, Math.min(from + CHUNK_BYTES, brk)]);
  return chunks;
}

function encodeHeader(shard: number, position: LogPosition, brk: number, crcs: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(HEADER_BYTES);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, MAGIC, true);
  view.setUint32(4, VERSION, true);
  view.setUint32(8, LAYOUT_VERSION, true);
  view.setUint32(12, shard, true);
  view.setFloat64(16, position.segment, true);
  view.setFloat64(24, position.offset, true);
  view.setFloat64(32, brk, true);
  view.setUint32(40, crcs.length / 4, true);
  view.setUint32(44, crc32c(crcs), true);
  view.setUint32(60, crc32c(bytes.subarray(0, 60)), true);
  return bytes;
}

/**
 * Writes an image of the memory as it is now; the caller applies nothing meanwhile. Older images beyond the newest two go. Returns
 * its bytes, and the position of the oldest image that is left.
 */
export async function writeImage(
  files: Files,
  shard: number,
  memory: HeadMemory,
): Promise<{ bytes: number; oldest: LogPosition }> {
  const { position, brk } = memory;
  const path = imagePath(shard, position);
  await files.makeDirectory(imageDirectory(shard));
  await files.syncDirectory('head');
  await files.syncDirectory('');
  const chunks = chunksOf(brk);
  const crcs = new Uint32Array(chunks.map(([from, to]) => crc32c(memory.bytes.subarray(from, to))));
  const crcBytes = new Uint8Array(crcs.buffer);
  const file = await files.open(`${path}.tmp`, 'write');
  let offset = HEADER_BYTES + crcBytes.length;
  try {
    await file.truncate(0);
    await file.write(encodeHeader(shard, position, brk, crcBytes), 0);
    await file.write(crcBytes, HEADER_BYTES);
    for (const [from, to] of chunks) {
      await file.write(memory.bytes.subarray(from, to), offset);
      offset += to - from;
    }
    await file.sync();
  } finally {
    await file.close();
  }
  await files.rename(`${path}.tmp`, path);
  await files.syncDirectory(imageDirectory(shard));
  return { bytes: offset, oldest: await removeOldImages(files, shard) };
}

interface ImageName {
  readonly path: string;
  readonly position: LogPosition;
}

/** Images of a shard, newest first. */
async function listImages(files: Files, shard: number): Promise<ImageName[]> {
  const directory = imageDirectory(shard);
  const images = (await files.list(directory)).flatMap((name) => {
    const match = /^(\d{8})-(\d{10})\.image$/.exec(name);
    if (!match) return [];
    return [{ path: `${directory}/${name}`, position: { segment: Number(match[1]), offset: Number(match[2]) } }];
  });
  return images.sort((a, b) => compareLogPositions(b.position, a.position));
}

/** Returns the position of the oldest image that is left; with one image the log is needed from its start. */
async function removeOldImages(files: Files, shard: number): Promise<LogPosition> {
  const images = await listImages(files, shard);
  for (const { path } of images.slice(IMAGES_KEPT)) await files.remove(path);
  return images.length < IMAGES_KEPT ? { segment: 0, offset: 0 } : images[IMAGES_KEPT - 1].position;
}

async function loadImage(files: Files, path: string, shard: number, memory: HeadMemory): Promise<void> {
  const file = await files.open(path, 'read');
  try {
    const header = new Uint8Array(HEADER_BYTES);
    if ((await file.read(header, 0)) < HEADER_BYTES) throw corruptError(`cannot read ${path}: its header is cut off`);
    const view = new DataView(header.buffer);
    if (view.getUint32(60, true) !== crc32c(header.subarray(0, 60)))
      throw corruptError(`cannot read ${path}: its header's checksum is wrong`);
    const isOurs = view.getUint32(0, true) === MAGIC && view.getUint32(12, true) === shard;
    if (!isOurs || view.getUint32(4, true) !== VERSION || view.getUint32(8, true) !== LAYOUT_VERSION)
      throw corruptError(`cannot read ${path}: it is of another version or shard`);
    await loadChunks(file, path, view, memory);
  } finally {
    await file.close();
  }
}

async function loadChunks(
  file: { read(into: Uint8Array, offset: number): Promise<number> },
  path: string,
  header: DataView,
  memory: HeadMemory,
): Promise<void> {
  const brk = header.getFloat64(32, true);
  const chunks = chunksOf(brk);
  const crcBytes = new Uint8Array(header.getUint32(40, true) * 4);
  const gotCrcs = await file.read(crcBytes, HEADER_BYTES);
  if (
    gotCrcs < crcBytes.length ||
    crcBytes.length !== chunks.length * 4 ||
    crc32c(crcBytes) !== header.getUint32(44, true)
  )
    throw corruptError(`cannot read ${path}: its checksums are damaged`);
  const crcs = new Uint32Array(crcBytes.buffer);
  memory.growTo(brk);
  let offset = HEADER_BYTES + crcBytes.length;
  for (const [i, [from, to]] of chunks.entries()) {
    const into = memory.bytes.subarray(from, to);
    const got = await file.read(into, offset);
    if (got < to - from || crc32c(into) !== crcs[i]) throw corruptError(`cannot read ${path}: chunk ${i} is damaged`);
    offset += to - from;
  }
}

/**
 * Finds the newest good image and reads it into the memory that `fresh` makes (a new one per try, since a bad image leaves it
 * in pieces). Returns null if there is none.
 */
export async function restoreImage<T extends { memory: HeadMemory }>(
  files: Files,
  shard: number,
  fresh: () => T,
  logger: Logger,
): Promise<T | null> {
  for (const { path } of await listImages(files, shard)) {
    const head = fresh();
    try {
      await loadImage(files, path, shard, head.memory);
      return head;
    } catch (error) {
      logger.warn('head image is passed over', { path, error: errorText(error) });
    }
  }
  return null;
}
