// The symbol table: every label name and value once. A symbol is { u32 hash, u32 length, bytes }; its number indexes a vector
// of addresses, and an open-addressing table of (number + 1) finds it by its bytes. Numbers of symbols that a sweep removed are
// used again: their entries in the vector are odd, and hold the next free number.
import {
  R_SYMBOL_COUNT,
  R_SYMBOL_FREE,
  R_SYMBOL_POINTERS,
  R_SYMBOL_TABLE,
  TABLE_ENTRIES_MIN,
  alloc,
  allocTable,
  classOf,
  emptyTable,
  ensureVector,
  freeClass,
  get32,
  set32,
} from './root';

export const NO_SYMBOL: u32 = 0xffffffff;

/** FNV-1a over 4-byte words and the rest, finished by a multiply-xor: good enough for a table of our own strings. */
function hashBytes(at: usize, length: u32): u32 {
  let hash: u32 = 2166136261 ^ length;
  let i: u32 = 0;
  for (; i + 4 <= length; i += 4) hash = rotl<u32>((hash ^ load<u32>(at + i)) * 0x9e3779b1, 13);
  for (; i < length; i++) hash = (hash ^ load<u8>(at + i)) * 16777619;
  hash = (hash ^ (hash >>> 15)) * 0x85ebca6b;
  return hash ^ (hash >>> 13);
}

// @ts-ignore: decorator
@inline
export function symbolAddress(symbol: u32): usize {
  return load<u32>(usize(get32(R_SYMBOL_POINTERS)) + (usize(symbol) << 2));
}

function sameBytes(a: usize, b: usize, length: u32): bool {
  let i: u32 = 0;
  for (; i + 8 <= length; i += 8) if (load<u64>(a + i) != load<u64>(b + i)) return false;
  for (; i < length; i++) if (load<u8>(a + i) != load<u8>(b + i)) return false;
  return true;
}

/** The place in the table where the bytes are, or where they would go. */
function probe(at: usize, length: u32, hash: u32): usize {
  const table = usize(get32(R_SYMBOL_TABLE));
  const mask = get32(R_SYMBOL_TABLE + 4);
  let i = hash & mask;
  while (true) {
    const place = table + (usize(i) << 2);
    const entry = load<u32>(place);
    if (!entry) return place;
    const symbol = symbolAddress(entry - 1);
    if (load<u32>(symbol) == hash && load<u32>(symbol, 4) == length && sameBytes(symbol + 8, at, length)) return place;
    i = (i + 1) & mask;
  }
}

/** The symbol with these bytes, or NO_SYMBOL. */
export function findSymbol(at: usize, length: u32): u32 {
  const entry = load<u32>(probe(at, length, hashBytes(at, length)));
  return entry ? entry - 1 : NO_SYMBOL;
}

/** Enters all symbols into the table, which has no entries. */
function fillTable(): void {
  const table = usize(get32(R_SYMBOL_TABLE));
  const mask = get32(R_SYMBOL_TABLE + 4);
  const count = get32(R_SYMBOL_COUNT);
  for (let symbol: u32 = 0; symbol < count; symbol++) {
    const address = symbolAddress(symbol);
    if (address & 1) continue;
    let i = load<u32>(address) & mask;
    while (load<u32>(table + (usize(i) << 2))) i = (i + 1) & mask;
    store<u32>(table + (usize(i) << 2), symbol + 1);
  }
}

function growTable(): void {
  const old = get32(R_SYMBOL_TABLE);
  const oldEntries = get32(R_SYMBOL_TABLE + 4) + 1;
  set32(R_SYMBOL_TABLE, u32(allocTable(oldEntries << 1)));
  set32(R_SYMBOL_TABLE + 4, (oldEntries << 1) - 1);
  fillTable();
  freeClass(old, classOf(oldEntries << 2));
}

/** Symbols that there are. */
export function liveSymbols(): u32 {
  return get32(R_SYMBOL_COUNT) - get32(R_SYMBOL_FREE + 4);
}

/** A number for a new symbol. */
function newNumber(): u32 {
  const free = get32(R_SYMBOL_FREE);
  if (free) {
    set32(R_SYMBOL_FREE, u32(symbolAddress(free - 1)) >> 1);
    set32(R_SYMBOL_FREE + 4, get32(R_SYMBOL_FREE + 4) - 1);
    return free - 1;
  }
  const symbol = get32(R_SYMBOL_COUNT);
  ensureVector(R_SYMBOL_POINTERS, symbol + 1);
  set32(R_SYMBOL_COUNT, symbol + 1);
  return symbol;
}

function freeSymbol(symbol: u32): void {
  const address = symbolAddress(symbol);
  freeClass(address, classOf(8 + load<u32>(address, 4)));
  store<u32>(usize(get32(R_SYMBOL_POINTERS)) + (usize(symbol) << 2), (get32(R_SYMBOL_FREE) << 1) | 1);
  set32(R_SYMBOL_FREE, symbol + 1);
  set32(R_SYMBOL_FREE + 4, get32(R_SYMBOL_FREE + 4) + 1);
}

/** Removes the symbols whose bits at `used` are not set. The lowest number is the first to be used again. */
export function sweepSymbols(used: usize): void {
  for (let symbol = get32(R_SYMBOL_COUNT); symbol; ) {
    symbol--;
    const isUsed = (u32(load<u8>(used + (symbol >> 3))) >> (symbol & 7)) & 1;
    if (!isUsed && !(symbolAddress(symbol) & 1)) freeSymbol(symbol);
  }
  emptyTable(R_SYMBOL_TABLE, liveSymbols(), TABLE_ENTRIES_MIN);
  fillTable();
}

/** The symbol with these bytes, made if it is new. */
export function internSymbol(at: usize, length: u32): u32 {
  const hash = hashBytes(at, length);
  const place = probe(at, length, hash);
  const entry = load<u32>(place);
  if (entry) return entry - 1;
  const symbol = newNumber();
  const address = alloc(8 + length);
  store<u32>(address, hash);
  store<u32>(address, length, 4);
  memory.copy(address + 8, at, length);
  store<u32>(usize(get32(R_SYMBOL_POINTERS)) + (usize(symbol) << 2), u32(address));
  store<u32>(place, symbol + 1);
  if ((liveSymbols() + 1) * 4 > (get32(R_SYMBOL_TABLE + 4) + 1) * 3) growTable();
  return symbol;
}
