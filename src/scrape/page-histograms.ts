// What a job asks of the histograms of its pages: native ones, classic ones converted, resolutions brought down to its limits.
import { TidemarkError } from '../base/index.ts';
import type { ScrapeConfig } from '../config/index.ts';
import { type NativeHistogram, toSchema, usesCustomBounds } from '../model/index.ts';
import {
  type ExposedExemplar,
  type ExposedHistogram,
  type ExpositionFormat,
  collateClassicHistograms,
  histogramFields,
  readHistogram,
} from '../wire/index.ts';

/** Error code of a page with a histogram over native_histogram_bucket_limit. */
export const BUCKET_LIMIT = 'bucket_limit';

const SCHEMA_MIN = -4;
const SCHEMA_MAX = 8;

/** What is wanted of one target's histograms; relabelling may set it, the job's settings are the default. */
export interface HistogramWishes {
  readonly native: boolean;
  readonly alwaysClassic: boolean;
  readonly toCustomBuckets: boolean;
}

/** The labels that tell a target's wishes, and the settings they stand for. */
export const HISTOGRAM_LABELS = {
  __scrape_native_histograms__: 'scrapeNativeHistograms',
  __always_scrape_classic_histograms__: 'alwaysScrapeClassicHistograms',
  __convert_classic_histograms_to_nhcb__: 'convertClassicHistogramsToNhcb',
} as const;

/** A page's text, and what came with it that it does not say. */
export interface Page {
  readonly text: Uint8Array;
  readonly histograms: readonly ExposedHistogram[];
  /** By the number of their sample in the text. */
  readonly exemplars: ReadonlyMap<number, ExposedExemplar>;
  /** Start times of the text's sample lines, in ms, 0 for none; null: there are none, or nobody wants them. */
  readonly starts: Float64Array | null;
}

/** A page as the job and the target want it. */
export interface SettledPage extends Page {
  /** Why the whole page is refused. */
  readonly error: Error | undefined;
}

/** Converts and limits the histograms of a page. */
export function settleHistograms(
  page: Page,
  format: ExpositionFormat,
  wishes: HistogramWishes,
  config: ScrapeConfig,
): SettledPage {
  const all = wishes.toCustomBuckets ? converted(page, format, wishes) : page;
  const limit = config.nativeHistogramBucketLimit;
  const schemaMax = largestSchema(config.nativeHistogramMinBucketFactor);
  if (limit === 0 && schemaMax === SCHEMA_MAX) return { ...all, error: undefined };
  const histograms: ExposedHistogram[] = [];
  for (const exposed of all.histograms) {
    const { histogram } = readHistogram(exposed.fields);
    const limited = withinLimits(histogram, limit, schemaMax);
    if (limited === null) return { ...all, error: bucketLimitError() };
    histograms.push(limited === histogram ? exposed : { ...exposed, fields: histogramFields(limited) });
  }
  return { ...all, histograms, error: undefined };
}

const bucketLimitError = (): TidemarkError => new TidemarkError(BUCKET_LIMIT, 'histogram bucket limit exceeded');

/** A page that cannot be parsed stays as it is: taking it tells what is wrong. */
function converted(page: Page, format: ExpositionFormat, { alwaysClassic }: HistogramWishes): Page {
  const { text, histograms: native, exemplars, starts } = page;
  try {
    const collated = collateClassicHistograms(text, format, {
      keepClassic: alwaysClassic,
      native,
      exemplars,
      starts,
    });
    return { ...collated, histograms: [...native, ...collated.histograms] };
  } catch (error) {
    if (!(error instanceof TidemarkError)) throw error;
    return page;
  }
}

/** The finest schema whose buckets grow by at least the factor; 0: any. */
export function largestSchema(minBucketFactor: number): number {
  if (minBucketFactor <= 1) return SCHEMA_MAX;
  const schema = Math.floor(-Math.log2(Math.log2(minBucketFactor)));
  return Math.max(SCHEMA_MIN, Math.min(SCHEMA_MAX, schema)) + 0; // no negative zero
}

const bucketCount = ({ positive, negative }: NativeHistogram): number =>
  positive.counts.length + negative.counts.length;

/** In the resolution that fits the limits; null: there is none. */
function withinLimits(h: NativeHistogram, bucketLimit: number, schemaMax: number): NativeHistogram | null {
  const isOver = (one: NativeHistogram): boolean => bucketLimit > 0 && bucketCount(one) > bucketLimit;
  if (usesCustomBounds(h)) return isOver(h) ? null : h;
  let limited = h.schema > schemaMax ? coarser(h, schemaMax) : h;
  while (isOver(limited)) {
    if (limited.schema <= SCHEMA_MIN) return null;
    limited = coarser(limited, limited.schema - 1);
  }
  return limited;
}

/** Of a gauge a lower resolution is still one. */
const coarser = (h: NativeHistogram, schema: number): NativeHistogram => ({
  ...toSchema(h, schema),
  resetHint: h.resetHint,
});
