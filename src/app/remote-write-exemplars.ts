// Exemplars of a record of the log, for a destination of remote write: they go with the sample of their series that is in the same
// record, or, where there is none, on their own.
import { utf8Text } from '../base/index.ts';
import { type BatchExemplar, exemplarTexts } from '../kernel/index.ts';
import type { WireExemplar } from '../wire/index.ts';
import type { RemoteSeries, RemoteSeriesTable } from './remote-write-series.ts';

const NONE: readonly WireExemplar[] = [];

const wireExemplar = ({ labelBytes, valueBits, timestampMs }: BatchExemplar): WireExemplar => ({
  labels: exemplarTexts(labelBytes).map(utf8Text),
  value: new Float64Array(BigUint64Array.of(valueBits).buffer)[0],
  timestampMs,
});

export class RemoteExemplars {
  readonly #bySeries = new Map<bigint, BatchExemplar[]>();
  readonly #table: RemoteSeriesTable;

  constructor(exemplars: readonly BatchExemplar[], table: RemoteSeriesTable) {
    this.#table = table;
    for (const exemplar of exemplars) {
      const id = (exemplar.idHigh << 64n) | exemplar.idLow;
      const own = this.#bySeries.get(id);
      if (own) own.push(exemplar);
      else this.#bySeries.set(id, [exemplar]);
    }
  }

  /** Those of the series, once. */
  take({ idLow, idHigh }: RemoteSeries): readonly WireExemplar[] {
    if (this.#bySeries.size === 0) return NONE;
    const id = (idHigh << 64n) | idLow;
    const own = this.#bySeries.get(id);
    if (!own) return NONE;
    this.#bySeries.delete(id);
    return own.map(wireExemplar);
  }

  /** Those that nobody took, of series that are known. */
  *left(): Generator<readonly [RemoteSeries, readonly WireExemplar[]]> {
    for (const own of this.#bySeries.values()) {
      const series = this.#table.byId(own[0].idLow, own[0].idHigh);
      if (series) yield [series, own.map(wireExemplar)];
    }
  }
}
