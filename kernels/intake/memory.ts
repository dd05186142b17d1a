// Memory of the intake module: blocks of powers of two from 64 bytes up, each class with a list of free ones, the
// rest cut from the end of linear memory. A released block is reused for the next request of its class and never
// returned.
//
//   free block: [ u32 next free block of the class | ... ]
//
// At least SLACK_BYTES are mapped behind every block, so that 64-byte loads and 16-byte stores may pass the end of a
// block (loads: the excess is masked off; stores: only where the block was allocated with room for them).

const CLASS_MIN: u32 = 6;
const SLACK_BYTES: usize = 65536;

/** Largest block: 2^30 bytes. */
export const CLASS_MAX: u32 = 30;

const freeLists: usize = memory.data(33 * 4, 16);
let top: usize = 0;

/** The class (log2 of bytes) whose blocks hold `bytes`. */
@inline
export function classOf(bytes: usize): u32 {
  return bytes <= 64 ? CLASS_MIN : 32 - <u32>clz<u32>(<u32>bytes - 1);
}

/** A block of 2^sizeClass bytes, not cleared; 0 when memory is out. */
export function allocate(sizeClass: u32): usize {
  if (sizeClass > CLASS_MAX) return 0;
  const list = freeLists + (<usize>sizeClass << 2);
  const free = <usize>load<u32>(list);
  if (free != 0) {
    store<u32>(list, load<u32>(free));
    return free;
  }
  if (top == 0) top = (__heap_base + 63) & ~63;
  const end = <u64>top + (<u64>1 << sizeClass);
  const pagesNeeded = (end + SLACK_BYTES + 65535) >> 16;
  const pages = <u64>memory.size();
  if (pagesNeeded > pages) {
    if (pagesNeeded > 65536) return 0;
    // Ahead of need by an eighth: growing is a system call.
    const wanted = min<u64>(pagesNeeded + (pages >> 3), 65536);
    if (memory.grow(<i32>(wanted - pages)) < 0 && memory.grow(<i32>(pagesNeeded - pages)) < 0) return 0;
  }
  const address = top;
  top = <usize>end;
  return address;
}

/** Gives a block back. */
export function release(address: usize, sizeClass: u32): void {
  const list = freeLists + (<usize>sizeClass << 2);
  store<u32>(address, load<u32>(list));
  store<u32>(list, <u32>address);
}

/** A block of `newClass` with the first `used` bytes of the old block, which is released. 0 when memory is out. */
export function reallocate(address: usize, oldClass: u32, newClass: u32, used: usize): usize {
  const bigger = allocate(newClass);
  if (bigger == 0) return 0;
  memory.copy(bigger, address, used);
  if (address != 0) release(address, oldClass);
  return bigger;
}

/** A growing run of bytes: {u32 address, u32 length, u32 class}; all zero when empty. Address 0 means none yet. */
@unmanaged
export class Column {
  address: u32;
  length: u32;
  sizeClass: u32;
  reserved: u32;
}

/** Makes room for `extra` bytes behind the column's end and returns the address of its end; 0 when memory is out. */
export function columnReserve(column: Column, extra: usize): usize {
  const needed = <u64>column.length + <u64>extra;
  if (column.address == 0 || needed > <u64>1 << column.sizeClass) {
    if (needed > <u64>1 << CLASS_MAX) return 0;
    const bigger = max<u32>(classOf(<usize>needed), column.address == 0 ? 10 : column.sizeClass + 1);
    const address = reallocate(column.address, column.sizeClass, bigger, column.length);
    if (address == 0) return 0;
    column.address = <u32>address;
    column.sizeClass = bigger;
  }
  return <usize>column.address + column.length;
}

/** Bytes of linear memory in use or kept for reuse. */
export function memoryBytes(): u32 {
  return <u32>top;
}
