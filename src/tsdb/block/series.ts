// Series of a block, sorted by tenant, metric name, then labels, in chunks that are decoded as a whole. Within a chunk series with the
// same tenant and label names form a shape, and each label of a shape is a column of value symbols: constant labels cost nothing, and
// the columns of repeating targets repeat, which zstd sees. All numbers are varints:
//
//   shapes | per shape: tenant, names, names x name symbol (differences), series, per name: width + column
//   runs   | per run: shape, series that follow one another
//   first value column, its offset in its page | exceptions: series with other than one part (difference of place, parts)
//   parts x bytes of the value column, 0 = shared | shared x parts back to the one that has it
//   parts x number of the times column (zigzag differences)
//
// width 0: one symbol for all; 1: zigzag differences of symbols. A part is a stretch of a series' samples; all but very long series have one.
import { corruptError } from '../../base/index.ts';
import { type ColumnPlaces, placeColumns } from './columns.ts';
import { type PageDirectory, VALUE_PAGE } from './pages.ts';
import { VarintReader, VarintWriter } from './varints.ts';

export const SERIES_PER_CHUNK = 1024;

/** Series of a chunk that have the same tenant and label names. */
export interface SeriesShape {
  readonly tenant: number;
  /** Ascending. */
  readonly names: Uint32Array;
  /** Per name the value symbols of the shape's series; a single one if all have the same. */
  readonly columns: Uint32Array[];
  readonly series: number;
}

function decodeShape(reader: VarintReader): SeriesShape {
  const tenant = reader.u32();
  const names = reader.deltas(reader.u32());
  const series = reader.u32();
  const columns: Uint32Array[] = [];
  for (let i = 0; i < names.length; i++) {
    if (i > 0 && names[i] <= names[i - 1]) throw corruptError('cannot read series: label names are not in order');
    const width = reader.u32();
    if (width > 1) throw corruptError('cannot read series: a kind of column is not known');
    columns.push(width === 0 ? Uint32Array.of(reader.u32()) : reader.deltas(series));
  }
  return { tenant, names, columns, series };
}

/** Decoded series; indexes are within the chunk. */
export class SeriesChunk implements ColumnPlaces {
  readonly first: number;
  readonly count: number;
  readonly shapes: readonly SeriesShape[];
  /** Shape of each series, and its row there. */
  readonly shapeOf: Uint16Array;
  readonly rowOf: Uint16Array;
  /** Parts of series i: [partStart[i], partStart[i + 1]) in the arrays below. */
  readonly partStart: Uint32Array;
  readonly timesOf: Uint32Array;
  readonly page: Uint32Array;
  readonly offset: Uint32Array;
  readonly length: Uint32Array;

  constructor(raw: Uint8Array, first: number, count: number, directory: PageDirectory) {
    if (count > 65_535) throw corruptError('cannot read series: a chunk has too many');
    this.first = first;
    this.count = count;
    const reader = new VarintReader(raw);
    const shapes: SeriesShape[] = [];
    for (let left = reader.u32(); left > 0; left--) shapes.push(decodeShape(reader));
    this.shapes = shapes;
    this.shapeOf = new Uint16Array(count);
    this.rowOf = new Uint16Array(count);
    this.#decodeRuns(reader);
    const firstColumn = reader.u32();
    const firstOffset = reader.u32();
    this.partStart = decodePartStarts(reader, count);
    const parts = this.partStart[count];
    const own = reader.column(parts);
    const backs = reader.column(own.reduce((shared, length) => (length === 0 ? shared + 1 : shared), 0));
    this.timesOf = reader.deltas(parts);
    reader.end();
    const stored = placeColumns(
      directory,
      VALUE_PAGE,
      firstColumn,
      firstOffset,
      own.filter((length) => length > 0),
    );
    const places = backs.length === 0 ? stored : sharePlaces(stored, own, backs);
    this.page = places.page;
    this.offset = places.offset;
    this.length = places.length;
  }

  #decodeRuns(reader: VarintReader): void {
    const rows = this.shapes.map(() => 0);
    let at = 0;
    for (let left = reader.u32(); left > 0; left--) {
      const shape = reader.u32();
      const end = at + reader.u32();
      if (shape >= this.shapes.length || end > this.count) throw corruptError('cannot read series: a run is too long');
      for (; at < end; at++) {
        this.shapeOf[at] = shape;
        this.rowOf[at] = rows[shape]++;
      }
    }
    if (at !== this.count || rows.some((row, shape) => row !== this.shapes[shape].series))
      throw corruptError('cannot read series: runs and shapes disagree');
  }

  get byteLength(): number {
    const columns = this.shapes.reduce((sum, { columns }) => columns.reduce((s, c) => s + c.byteLength, sum), 0);
    return columns + this.count * 8 + this.timesOf.length * 16;
  }

  shape(i: number): SeriesShape {
    return this.shapes[this.shapeOf[i]];
  }

  /** Value symbol of a label of series i; `name` is its place among the shape's names. */
  value(i: number, name: number): number {
    const column = this.shapes[this.shapeOf[i]].columns[name];
    return column.length === 1 ? column[0] : column[this.rowOf[i]];
  }

  /** Label symbols of series i: name, value, ... into `out`; returns how many numbers. */
  symbols(i: number, out: Uint32Array | number[]): number {
    const { names, columns } = this.shapes[this.shapeOf[i]];
    const row = this.rowOf[i];
    let at = 0;
    for (let k = 0; k < names.length; k++) {
      const column = columns[k];
      out[at++] = names[k];
      out[at++] = column.length === 1 ? column[0] : column[row];
    }
    return at;
  }
}

/** Places of all parts, whose `own` lengths are 0 where they share the column of an earlier one. */
function sharePlaces(stored: ColumnPlaces, own: Uint32Array, backs: Uint32Array): ColumnPlaces {
  const [page, offset, length] = [new Uint32Array(own.length), new Uint32Array(own.length), own.slice()];
  let column = 0;
  let shared = 0;
  for (let i = 0; i < own.length; i++) {
    const from = own[i] > 0 ? i : i - backs[shared++];
    if (!(own[from] > 0)) throw corruptError('cannot read series: a part shares a column that is not there');
    page[i] = from === i ? stored.page[column] : page[from];
    offset[i] = from === i ? stored.offset[column++] : offset[from];
    length[i] = own[from];
  }
  return { page, offset, length };
}

function decodePartStarts(reader: VarintReader, count: number): Uint32Array {
  const starts = new Uint32Array(count + 1);
  let at = 0;
  let parts = 0;
  for (let left = reader.u32(); left > 0; left--) {
    const place = at + reader.u32();
    if (place >= count) throw corruptError('cannot read series: it has parts for more series than there are');
    while (at < place) starts[at++] = parts++;
    starts[at++] = parts;
    parts += reader.u32();
    if (parts > 2 ** 31) throw corruptError('cannot read series: it has too many parts');
  }
  while (at < count) starts[at++] = parts++;
  starts[count] = parts;
  return starts;
}

/** A shape that is being filled. */
export interface ShapeDraft {
  readonly tenant: number;
  readonly names: number[];
  readonly columns: number[][];
  series: number;
}

/** Collects the series of one chunk. */
export class SeriesChunkWriter {
  #shapes: ShapeDraft[] = [];
  #byKey = new Map<string, number>();
  #runs: number[] = [];
  #shape = -1;
  #exceptions: number[] = [];
  #lengths: number[] = [];
  #backs: number[] = [];
  #times: number[] = [];
  #firstColumn = 0;
  #firstOffset = 0;
  #partsBefore = 0;
  count = 0;

  /** Starts a series. Returns its shape. */
  begin(tenant: number, labels: ArrayLike<number>): ShapeDraft {
    if (this.#shape < 0 || !hasShape(this.#shapes[this.#shape], tenant, labels)) this.#findShape(tenant, labels);
    this.#runs[this.#runs.length - 1]++;
    const shape = this.#shapes[this.#shape];
    shape.series++;
    for (let i = 1, k = 0; i < labels.length; i += 2, k++) shape.columns[k].push(labels[i]);
    this.#partsBefore = this.#lengths.length;
    return shape;
  }

  #findShape(tenant: number, labels: ArrayLike<number>): void {
    const names: number[] = [];
    for (let i = 0; i < labels.length; i += 2) names.push(labels[i]);
    const key = `${tenant},${names.join()}`;
    let number = this.#byKey.get(key);
    if (number === undefined) {
      number = this.#shapes.length;
      this.#byKey.set(key, number);
      this.#shapes.push({ tenant, names, columns: names.map(() => []), series: 0 });
    }
    this.#shape = number;
    this.#runs.push(number, 0);
  }

  /** Parts so far. */
  get parts(): number {
    return this.#lengths.length;
  }

  /** A part of the series that was begun. `column` counts the stored columns of the block. */
  part(column: number, offset: number, length: number, times: number): void {
    if (this.#lengths.length === 0) {
      this.#firstColumn = column;
      this.#firstOffset = offset;
    }
    this.#lengths.push(length);
    this.#times.push(times);
  }

  /** A part with the same values as the one so many before it, which has a column of its own. */
  sharedPart(back: number, times: number): void {
    this.#lengths.push(0);
    this.#backs.push(back);
    this.#times.push(times);
  }

  end(): void {
    const parts = this.#lengths.length - this.#partsBefore;
    if (parts !== 1) this.#exceptions.push(this.count, parts);
    this.count++;
  }

  /** Raw bytes of the chunk; a new one begins. */
  takeChunk(): Uint8Array {
    const writer = new VarintWriter(16_384);
    writer.u32(this.#shapes.length);
    for (const shape of this.#shapes) encodeShape(writer, shape);
    writer.u32(this.#runs.length / 2);
    writer.column(this.#runs);
    writer.u32(this.#firstColumn);
    writer.u32(this.#firstOffset);
    writer.u32(this.#exceptions.length / 2);
    for (let i = 0, at = 0; i < this.#exceptions.length; i += 2) {
      writer.u32(this.#exceptions[i] - at);
      writer.u32(this.#exceptions[i + 1]);
      at = this.#exceptions[i] + 1;
    }
    writer.column(this.#lengths);
    writer.column(this.#backs);
    writer.deltas(this.#times);
    this.#clear();
    return writer.view();
  }

  #clear(): void {
    this.#shapes = [];
    this.#byKey = new Map();
    this.#runs = [];
    this.#shape = -1;
    this.#exceptions = [];
    this.#lengths = [];
    this.#backs = [];
    this.#times = [];
    this.count = 0;
  }
}

function hasShape(shape: ShapeDraft, tenant: number, labels: ArrayLike<number>): boolean {
  const { names } = shape;
  if (shape.tenant !== tenant || names.length * 2 !== labels.length) return false;
  for (let k = 0; k < names.length; k++) if (names[k] !== labels[2 * k]) return false;
  return true;
}

function encodeShape(writer: VarintWriter, { tenant, names, columns, series }: ShapeDraft): void {
  writer.u32(tenant);
  writer.u32(names.length);
  writer.deltas(names);
  writer.u32(series);
  for (const column of columns) {
    const isConstant = column.every((value) => value === column[0]);
    writer.u32(isConstant ? 0 : 1);
    if (isConstant) writer.u32(column[0]);
    else writer.deltas(column);
  }
}
