// Which labels each tenant has, how many values, and where their postings start. One chunk of varints:
//
//   tenants | per tenant: tenant (difference), names, names x name symbol (differences), names x values,
//            names x first postings chunk (differences), names x further chunks
import { corruptError } from '../../base/index.ts';
import { VarintReader, VarintWriter } from './varints.ts';

/** Labels of a tenant, ascending by name. */
export interface TenantLabels {
  readonly names: Uint32Array;
  readonly values: Uint32Array;
  /** Number of the postings chunk with the label's first values. */
  readonly chunks: Uint32Array;
  /** Further chunks with the rest of its values: each begins with them. */
  readonly spans: Uint32Array;
}

export function decodeLabels(raw: Uint8Array): Map<number, TenantLabels> {
  const reader = new VarintReader(raw);
  const tenants = new Map<number, TenantLabels>();
  let tenant = 0;
  for (let left = reader.u32(); left > 0; left--) {
    tenant += reader.u32();
    const count = reader.u32();
    const names = reader.deltas(count);
    const values = reader.column(count);
    const chunks = reader.deltas(count);
    tenants.set(tenant, { names, values, chunks, spans: reader.column(count) });
  }
  reader.end();
  return tenants;
}

export function encodeLabels(tenants: readonly (readonly [number, TenantLabels])[]): Uint8Array {
  const writer = new VarintWriter();
  writer.u32(tenants.length);
  let before = 0;
  for (const [tenant, { names, values, chunks, spans }] of tenants) {
    writer.u32(tenant - before);
    writer.u32(names.length);
    writer.deltas(names);
    writer.column(values);
    writer.deltas(chunks);
    writer.column(spans);
    before = tenant;
  }
  return writer.view();
}

/** Place of a number in an ascending list, or -1. */
export function findSorted(list: Uint32Array, wanted: number): number {
  let low = 0;
  let high = list.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (list[middle] < wanted) low = middle + 1;
    else high = middle;
  }
  return low < list.length && list[low] === wanted ? low : -1;
}

/** Place of a name among a tenant's labels, or -1. */
export const findLabel = (labels: TenantLabels, name: number): number => findSorted(labels.names, name);

/** Chunks with a label's values: [from, to); a corrupt error if they are not among `chunkCount`. */
export function chunksOf(labels: TenantLabels, place: number, chunkCount: number): { from: number; to: number } {
  const from = labels.chunks[place];
  const to = from + labels.spans[place] + 1;
  if (to > chunkCount) throw corruptError('cannot read labels: a postings chunk is out of range');
  return { from, to };
}
