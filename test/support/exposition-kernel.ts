import {
  ExpositionKernel,
  type ExpositionExports,
  ScrapeCacheKernel,
  type ScrapeCacheExports,
  loadKernel,
} from '../../src/kernel/index.ts';

interface IntakeExports extends ExpositionExports, ScrapeCacheExports {
  intakeInput(bytes: number): number;
  intakeInit(shards: number, seriesMax: number, symbolBytesMax: number, aliasesMax: number): number;
}

/** A fresh instance of the intake module with a fixed key: its exposition half. */
export async function openExpositionKernel(shards = 1): Promise<{
  exports: IntakeExports & Record<string, (...numbers: number[]) => number>;
  exposition: ExpositionKernel;
  caches: ScrapeCacheKernel;
}> {
  const instance = await WebAssembly.instantiate(await loadKernel('intake'), {});
  const exports = instance.exports as unknown as IntakeExports & Record<string, (...numbers: number[]) => number>;
  const key = exports.intakeInput(32);
  new Uint8Array(exports.memory.buffer, key, 32).forEach((_, i, bytes) => (bytes[i] = i * 7 + 1));
  exports.intakeInit(shards, 1 << 20, 1 << 26, 1 << 16);
  return { exports, exposition: new ExpositionKernel(exports), caches: new ScrapeCacheKernel(exports) };
}
