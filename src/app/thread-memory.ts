// What a thread's JavaScript holds. WebAssembly memories are not in it: they are told by what they are for.
import { getHeapStatistics } from 'node:v8';

export interface ThreadMemory {
  /** The heap as the system sees it: in use and free. */
  readonly heapBytes: number;
  /** Buffers and other memory outside of the heap. */
  readonly externalBytes: number;
}

/** Of the thread that calls. */
export function threadMemory(): ThreadMemory {
  const { total_heap_size: heapBytes, external_memory: externalBytes } = getHeapStatistics();
  return { heapBytes, externalBytes };
}
