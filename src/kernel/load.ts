// Compiles the kernels that tools/build.ts left in build/. A compiled module can be sent to workers, which instantiate it.

import { readFile } from 'node:fs/promises';
import { TidemarkError } from '../base/index.ts';

const compiled = new Map<string, Promise<WebAssembly.Module>>();

/** The compiled module of kernels/<name>, read once per process. */
export function loadKernel(name: string): Promise<WebAssembly.Module> {
  let module = compiled.get(name);
  if (module === undefined) {
    module = compile(name);
    compiled.set(name, module);
    module.catch(() => compiled.delete(name));
  }
  return module;
}

async function compile(name: string): Promise<WebAssembly.Module> {
  const file = new URL(`../../build/${name}.wasm`, import.meta.url);
  try {
    return await WebAssembly.compile(await readFile(file));
  } catch (cause) {
    throw new TidemarkError(
      'kernel_missing',
      `cannot load kernel ${name}: build/${name}.wasm is not there or not whole (npm run build)`,
      { cause },
    );
  }
}
