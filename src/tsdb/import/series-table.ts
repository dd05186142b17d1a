// The series of an import: label sets as numbers of texts, so that millions of them fit, and their order in blocks.
import type { KeyedHash } from '../../kernel/index.ts';
import { ByteWriter, utf8 } from '../../base/index.ts';
import { type Labels, METRIC_NAME, compareUtf8 } from '../../model/index.ts';
import { compareSeries } from '../block/series-order.ts';
import type { Breathe } from '../slices.ts';

/** Series in the order of blocks, and all that a block needs to know of them. */
export interface OrderedSeries {
  /** Texts, sorted: number i is symbol i. */
  readonly texts: readonly string[];
  readonly tenant: number;
  /** Place in the order, by series number; series of equal labels share one. */
  readonly placeOf: Uint32Array;
  /** How many places there are. */
  readonly count: number;
  /** Symbols of a place's labels: name, value, ... */
  labels(place: number): Uint32Array;
  /** Ids, four words per place. */
  readonly ids: Uint32Array;
  readonly shards: Uint8Array;
}

/** What decides where a series lives and how it is called. */
export interface SeriesIdentity {
  readonly tenant: string;
  readonly hash: KeyedHash;
  readonly shards: number;
}

/** Collects series. */
export class SeriesTable {
  readonly #texts: string[] = [];
  readonly #numbers = new Map<string, number>();
  #symbols = new Uint32Array(1024);
  #symbolCount = 0;
  /** Where the symbols of each series end. */
  #ends = new Uint32Array(256);
  count = 0;

  #number(text: string): number {
    let number = this.#numbers.get(text);
    if (number === undefined) {
      number = this.#texts.push(text) - 1;
      this.#numbers.set(text, number);
    }
    return number;
  }

  /** Takes a series in; returns its number. The same labels may come again under another one. */
  add(labels: Labels): number {
    const { pairs } = labels;
    const end = this.#symbolCount + pairs.length;
    if (end > this.#symbols.length) this.#symbols = grown(this.#symbols, end);
    if (this.count === this.#ends.length) this.#ends = grown(this.#ends, this.count + 1);
    for (const [i, text] of pairs.entries()) this.#symbols[this.#symbolCount + i] = this.#number(text);
    this.#symbolCount = end;
    this.#ends[this.count] = end;
    return this.count++;
  }

  /** Sorts what was collected. `breathe` is called now and then. */
  async order(identity: SeriesIdentity, breathe: Breathe): Promise<OrderedSeries> {
    const tenantNumber = this.#number(identity.tenant);
    const byText = Uint32Array.from(this.#texts.keys()).sort((a, b) => compareUtf8(this.#texts[a], this.#texts[b]));
    const symbolOf = new Uint32Array(byText.length);
    for (const [symbol, number] of byText.entries()) symbolOf[number] = symbol;
    const texts = Array.from(byText, (number) => this.#texts[number]);
    const symbols = this.#symbols.subarray(0, this.#symbolCount).map((number) => symbolOf[number]);
    const ends = this.#ends;
    const labelsOf = (series: number) => symbols.subarray(series === 0 ? 0 : ends[series - 1], ends[series]);
    const metricName = symbolOf[this.#numbers.get(METRIC_NAME) ?? -1] ?? -1;
    const compare = (a: Uint32Array, b: Uint32Array) => compareSeries(metricName, 0, a, a.length, 0, b, b.length);
    const sorted = new Uint32Array(this.count).map((_, i) => i).sort((a, b) => compare(labelsOf(a), labelsOf(b)));
    const placeOf = new Uint32Array(this.count);
    /** A series of each place. */
    const members = new Uint32Array(this.count);
    let count = 0;
    for (const [i, series] of sorted.entries()) {
      if (i === 0 || compare(labelsOf(sorted[i - 1]), labelsOf(series)) !== 0) members[count++] = series;
      placeOf[series] = count - 1;
    }
    const labels = (place: number) => labelsOf(members[place]);
    const tenant = symbolOf[tenantNumber];
    const ordered = { texts, tenant, placeOf, count, labels };
    return { ...ordered, ...(await identify(ordered, identity, breathe)) };
  }
}

function grown(old: Uint32Array<ArrayBuffer>, lengthMin: number): Uint32Array<ArrayBuffer> {
  const bigger = new Uint32Array(Math.max(lengthMin, old.length * 2));
  bigger.set(old);
  return bigger;
}

/** Series between two calls of breathe: a hash takes some microseconds. */
const HASHES_PER_SLICE = 64;

async function identify(
  { texts, count, labels }: Pick<OrderedSeries, 'texts' | 'count' | 'labels'>,
  { tenant, hash, shards }: SeriesIdentity,
  breathe: Breathe,
): Promise<Pick<OrderedSeries, 'ids' | 'shards'>> {
  const ids = new Uint32Array(4 * count);
  const shardOf = new Uint8Array(count);
  const tweak = hash.hash(utf8(tenant));
  const writer = new ByteWriter();
  const names: (Uint8Array | undefined)[] = [];
  for (let place = 0; place < count; place++) {
    const { low, high } = hash.hash(canonicalBytes(writer, texts, names, labels(place)), tweak);
    for (const [i, word] of [low, low >> 32n, high, high >> 32n].entries())
      ids[4 * place + i] = Number(word & 0xffffffffn);
    shardOf[place] = ids[4 * place] % shards;
    if (place % HASHES_PER_SLICE === 0) await breathe();
  }
  return { ids, shards: shardOf };
}

/** Labels as the intake hashes them: messages of remote write (docs/formats/batch.md). `names`: bytes of label names, kept. */
function canonicalBytes(
  writer: ByteWriter,
  texts: readonly string[],
  names: (Uint8Array | undefined)[],
  symbols: Uint32Array,
): Uint8Array {
  writer.clear();
  for (let i = 0; i < symbols.length; i += 2) {
    const name = (names[symbols[i]] ??= utf8(texts[symbols[i]]));
    const value = utf8(texts[symbols[i + 1]]);
    writer.u8(0x0a);
    writer.varint(2 + varintBytes(name.length) + name.length + varintBytes(value.length) + value.length);
    writer.u8(0x0a);
    writer.block(name);
    writer.u8(0x12);
    writer.block(value);
  }
  return writer.view();
}

const varintBytes = (value: number): number => (value < 128 ? 1 : 1 + varintBytes(Math.floor(value / 128)));
