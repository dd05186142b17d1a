// The module's memory: an arena above the static data, with an address-ordered list of free blocks. Blocks are few and
// large (columns, step vectors, accumulators), so first fit over the list is enough; neighbours are joined on free.
//
//   block:  [ size u32 | next free u32 | 8 bytes unused ] payload, 16-aligned; size counts the header

const HEADER: usize = 16;
const SPLIT_MIN: usize = 64;
const PAGE_BITS: usize = 16;

let firstFree: usize = 0;
let top: usize = 0;

/** Address of `bytes` bytes, 16-aligned and not cleared, or 0 when the memory cannot grow that far. */
export function allocate(bytes: usize): usize {
  const need = (bytes + HEADER + 15) & ~15;
  if (need < bytes) return 0;
  let before: usize = 0;
  for (let block = firstFree; block !== 0; before = block, block = nextOf(block)) {
    const size = sizeOf(block);
    if (size < need) continue;
    let next = nextOf(block);
    if (size - need >= SPLIT_MIN) {
      const rest = block + need;
      store<u32>(rest, <u32>(size - need));
      store<u32>(rest, <u32>next, 4);
      store<u32>(block, <u32>need);
      next = rest;
    }
    link(before, next);
    return block + HEADER;
  }
  return extend(need);
}

export function free(address: usize): void {
  if (address === 0) return;
  const block = address - HEADER;
  let before: usize = 0;
  let after = firstFree;
  while (after !== 0 && after < block) {
    before = after;
    after = nextOf(after);
  }
  let size = sizeOf(block);
  if (after !== 0 && block + size === after) {
    size += sizeOf(after);
    after = nextOf(after);
  }
  store<u32>(block, <u32>size);
  store<u32>(block, <u32>after, 4);
  if (before !== 0 && before + sizeOf(before) === block) {
    store<u32>(before, <u32>(sizeOf(before) + size));
    store<u32>(before, <u32>after, 4);
  } else {
    link(before, block);
  }
}

function extend(need: usize): usize {
  if (top === 0) top = (__heap_base + 15) & ~15;
  const block = top;
  const end = block + need;
  if (end < block) return 0;
  const have = (<usize>memory.size()) << PAGE_BITS;
  if (memory.size() < 65536 && end > have) {
    const pages = (end - have + 0xffff) >> PAGE_BITS;
    if (memory.grow(<i32>pages) < 0) return 0;
  }
  top = end;
  store<u32>(block, <u32>need);
  return block + HEADER;
}

// @ts-ignore: decorator
@inline
function sizeOf(block: usize): usize {
  return <usize>load<u32>(block);
}

// @ts-ignore: decorator
@inline
function nextOf(block: usize): usize {
  return <usize>load<u32>(block, 4);
}

function link(before: usize, next: usize): void {
  if (before === 0) firstFree = next;
  else store<u32>(before, <u32>next, 4);
}
