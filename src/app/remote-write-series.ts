// Which labels a destination gets of a series: the configuration's external labels where the series has none of the name, then
// write_relabel_configs. Worked out once per series, not per sample: series are known by their id as long as the log's segments
// mention them.
import { ByteWriter, utf8 } from '../base/index.ts';
import { type SegmentState, segmentLabels } from '../kernel/index.ts';
import { LabelsBuilder, Labels, compileRelabelRules } from '../model/index.ts';
import { writeBytes } from '../wire/index.ts';
import type { DestinationSettings } from './remote-write-settings.ts';

/** A series as it is sent. */
export interface RemoteSeries {
  readonly idLow: bigint;
  readonly idHigh: bigint;
  /** Null: relabelling drops it. */
  readonly labels: Labels | null;
  /** The fields 1 of a TimeSeries of version 1. */
  readonly encoded: Uint8Array;
  /** Chooses the queue. */
  readonly hash: number;
  /** Log segment that mentioned it last. */
  segment: number;
}

const NOTHING = new Uint8Array(0);

function encodeLabels(labels: Labels): Uint8Array {
  const out = new ByteWriter(256);
  const part = new ByteWriter(64);
  for (const [name, value] of labels) {
    part.clear();
    writeBytes(part, 0x0a, utf8(name));
    writeBytes(part, 0x12, utf8(value));
    writeBytes(out, 0x0a, part.view());
  }
  return out.finish();
}

/** The series that one shard's log mentions. */
export class RemoteSeriesTable {
  readonly #settings: DestinationSettings;
  readonly #relabel: (builder: LabelsBuilder) => boolean;
  /** By the number of the current segment. */
  #byRef: (RemoteSeries | undefined)[] = [];
  readonly #byId = new Map<bigint, RemoteSeries>();

  constructor(settings: DestinationSettings) {
    this.#settings = settings;
    this.#relabel = compileRelabelRules(settings.relabel, settings.scheme);
  }

  get size(): number {
    return this.#byId.size;
  }

  /** Numbers begin anew; series that neither this segment nor the one before it mentioned are forgotten. */
  beginSegment(segment: number): void {
    this.#byRef = [];
    for (const [id, series] of this.#byId) if (series.segment < segment - 2) this.#byId.delete(id);
  }

  /** The series of a number of the current segment. */
  series(state: SegmentState, ref: number, segment: number): RemoteSeries {
    const known = this.#byRef[ref];
    if (known) return known;
    const { idLow, idHigh } = state.series[ref];
    let series = this.#byId.get(idLow);
    if (series?.idHigh !== idHigh) {
      series = this.#resolve(state, ref, segment);
      this.#byId.set(idLow, series);
    }
    series.segment = segment;
    this.#byRef[ref] = series;
    return series;
  }

  /** A series by its id, as stale marks name it; undefined if it is not known any more. */
  byId(idLow: bigint, idHigh: bigint): RemoteSeries | undefined {
    const series = this.#byId.get(idLow);
    return series?.idHigh === idHigh ? series : undefined;
  }

  #resolve(state: SegmentState, ref: number, segment: number): RemoteSeries {
    const { idLow, idHigh } = state.series[ref];
    const own = segmentLabels(state, ref);
    const names = new Set(own.map(([name]) => name));
    const external = this.#settings.externalLabels.filter(([name]) => !names.has(name));
    const builder = new LabelsBuilder(Labels.from([...own, ...external]));
    const labels = this.#relabel(builder) ? builder.labels() : null;
    const isKept = labels !== null && labels.size > 0;
    const encoded = isKept && this.#settings.version === 1 ? encodeLabels(labels) : NOTHING;
    return { idLow, idHigh, labels: isKept ? labels : null, encoded, hash: Number(idLow & 0x7fffffffn), segment };
  }
}
