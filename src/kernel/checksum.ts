// CRC-32C at the kernel's speed. Its twin, base's crc32c, serves where no kernel is loaded, and short inputs.
import { crc32c as crc32cTwin } from '../base/index.ts';
import { loadKernel } from './load.ts';

interface ChecksumExports {
  readonly memory: WebAssembly.Memory;
  init(): void;
  inputAddress(): number;
  crc(bytes: number, seed: number): number;
}

/** Below, the copy and the call cost more than they save. */
const TWIN_BYTES_MAX = 64;
/** As INPUT_BYTES in kernels/checksum. */
const PIECE_BYTES = 262_144;

const kernel = new WebAssembly.Instance(await loadKernel('checksum')).exports as unknown as ChecksumExports;
kernel.init();
const input = new Uint8Array(kernel.memory.buffer, kernel.inputAddress(), PIECE_BYTES);

/** CRC-32C of bytes, or of what came before (`seed`) and bytes. An unsigned 32-bit number. */
export function crc32c(bytes: Uint8Array, seed = 0): number {
  if (bytes.length <= TWIN_BYTES_MAX) return crc32cTwin(bytes, seed);
  let crc = seed;
  for (let at = 0; at < bytes.length; at += PIECE_BYTES) {
    const piece = bytes.subarray(at, at + PIECE_BYTES);
    input.set(piece);
    crc = kernel.crc(piece.length, crc);
  }
  return crc >>> 0;
}
