// The index of a block in the making: chunks of series, ids, times, labels and postings, compressed as they fill.
import type { Breathe } from '../slices.ts';
import { type ChunkDraft, type ChunkKind, pack } from './block-format.ts';
import { type TenantLabels, encodeLabels } from './labels.ts';
import { LabelPostings, PostingsWriter } from './postings-section.ts';
import { SERIES_PER_CHUNK, SeriesChunkWriter, type ShapeDraft } from './series.ts';
import { VarintWriter } from './varints.ts';

const INDEX_LEVEL = 6;
const SAVING_MIN = 0.03;
/** Never reached: stored as it is. */
const NO_SAVING = 1;
export const IDS_PER_CHUNK = 4096;
const none = new Uint8Array(0);

/** Postings of a tenant, by label. */
interface TenantPostings {
  readonly tenant: number;
  readonly labels: Map<number, LabelPostings>;
}

export class IndexWriter {
  /** In the order of their kinds, then of their items, once finished. */
  chunks: ChunkDraft[] = [];
  readonly #symbolCount: number;
  readonly #series = new SeriesChunkWriter();
  readonly #ids = new Uint32Array(IDS_PER_CHUNK * 4);
  #idCount = 0;
  readonly #tenants: TenantPostings[] = [];
  /** Postings of the shape at hand, one per label. */
  #shape: ShapeDraft | null = null;
  #shapePostings: LabelPostings[] = [];
  seriesCount = 0;

  constructor(symbolCount: number) {
    this.#symbolCount = symbolCount;
  }

  addChunk(kind: ChunkKind, raw: Uint8Array, count: number, key: Uint8Array = none, savingMin = SAVING_MIN): void {
    this.chunks.push({ ...pack(raw, INDEX_LEVEL, savingMin), kind, count, key });
  }

  begin(tenant: number, labels: ArrayLike<number>, id: Uint32Array): void {
    if (this.#series.count === SERIES_PER_CHUNK) this.#endSeries();
    if (this.#idCount === IDS_PER_CHUNK) this.#endIds();
    const shape = this.#series.begin(tenant, labels);
    if (shape !== this.#shape) this.#enterShape(shape);
    for (let i = 1, k = 0; i < labels.length; i += 2, k++) this.#shapePostings[k].push(labels[i], this.seriesCount);
    this.#ids.set(id.subarray(0, 4), this.#idCount * 4);
    this.#idCount++;
  }

  /** Parts in the chunk of series so far. */
  get chunkParts(): number {
    return this.#series.parts;
  }

  /** A part of the series that was begun, with the column of values `column`, counted in the block. */
  part(column: number, offset: number, length: number, times: number): void {
    this.#series.part(column, offset, length, times);
  }

  /** A part with the same values as the one so many before it, in the same chunk. */
  sharedPart(back: number, times: number): void {
    this.#series.sharedPart(back, times);
  }

  end(): void {
    this.#series.end();
    this.seriesCount++;
  }

  #enterShape(shape: ShapeDraft): void {
    let tenant = this.#tenants.at(-1);
    if (tenant?.tenant !== shape.tenant) {
      tenant = { tenant: shape.tenant, labels: new Map() };
      this.#tenants.push(tenant);
    }
    const { labels } = tenant;
    this.#shapePostings = shape.names.map((name) => {
      let postings = labels.get(name);
      if (!postings) labels.set(name, (postings = new LabelPostings(name)));
      return postings;
    });
    this.#shape = shape;
  }

  #endSeries(): void {
    const { count } = this.#series;
    if (count > 0) this.addChunk('series', this.#series.takeChunk(), count);
    this.#shape = null;
  }

  #endIds(): void {
    const bytes = new Uint8Array(this.#ids.buffer, 0, this.#idCount * 16);
    if (this.#idCount > 0) this.addChunk('ids', bytes, this.#idCount, none, NO_SAVING);
    this.#idCount = 0;
  }

  /** Ends the chunks that are open and makes the postings. */
  async finish(breathe: Breathe): Promise<void> {
    this.#endSeries();
    this.#endIds();
    const counts = new Uint32Array(this.#symbolCount);
    const writer = new PostingsWriter(({ raw, groups, firstValue }) => {
      const key = new VarintWriter(8);
      key.u32(firstValue);
      this.addChunk('postings', raw, groups, key.view().slice());
    });
    const tenants: [number, TenantLabels][] = [];
    for (const { tenant, labels } of this.#tenants) {
      const names = Uint32Array.from(labels.keys()).sort();
      const values = new Uint32Array(names.length);
      const chunks = new Uint32Array(names.length);
      const spans = new Uint32Array(names.length);
      for (let i = 0; i < names.length; i++) {
        const added = await writer.add(tenant, labels.get(names[i]) as LabelPostings, counts, breathe);
        values[i] = added.values;
        chunks[i] = added.chunk;
        spans[i] = added.span;
        labels.delete(names[i]);
      }
      tenants.push([tenant, { names, values, chunks, spans }]);
    }
    writer.endChunk();
    this.addChunk('labels', encodeLabels(tenants), 1);
  }
}
