// A target: one HTTP endpoint of a scrape job. From what discovery found, relabelling and a job's settings come its URL, the
// labels of its series, its interval and timeout; the rules and texts are those of Prometheus 3 (which adds no default port).
import { TidemarkError, errorText, utf8 } from '../base/index.ts';
import { type ScrapeConfig, formatDuration, parseDuration } from '../config/index.ts';
import { Labels, LabelsBuilder, compileRelabelRules, goQuote } from '../model/index.ts';
import type { TargetGroup } from './discovery/index.ts';
import type { MetadataCache } from './metadata-cache.ts';
import { HISTOGRAM_LABELS, type HistogramWishes } from './page-histograms.ts';

/** Health after the last scrape; `unknown` before the first. */
export type TargetHealth = 'unknown' | 'up' | 'down';

/** What the last scrape of a target came to. */
export interface TargetStatus {
  health: TargetHealth;
  lastError: string;
  /** Milliseconds since the epoch; 0: never. */
  lastScrapeMs: number;
  lastScrapeDurationSeconds: number;
}

export class Target {
  /** As discovered, with the job's defaults, before relabelling. */
  discovered: Labels;
  /** Labels of its series: without those that begin with `__`. */
  readonly labels: Labels;
  readonly url: string;
  readonly intervalMs: number;
  readonly timeoutMs: number;
  readonly histograms: HistogramWishes;
  /** Equal for targets that are the same: public and private labels and URL. */
  readonly key: string;
  readonly hash: bigint;
  readonly status: TargetStatus = { health: 'unknown', lastError: '', lastScrapeMs: 0, lastScrapeDurationSeconds: 0 };
  metadata: MetadataCache | undefined;

  constructor(labels: Labels, discovered: Labels, params: ScrapeConfig['params']) {
    this.discovered = discovered;
    this.labels = Labels.fromSortedPairs([...labels].filter(([name]) => !name.startsWith('__')).flat());
    this.url = targetUrl(labels, params);
    this.intervalMs = parseDuration(labels.get('__scrape_interval__'));
    this.timeoutMs = parseDuration(labels.get('__scrape_timeout__'));
    const wants = (label: keyof typeof HISTOGRAM_LABELS): boolean => parseBool(labels.get(label)) === true;
    this.histograms = {
      native: wants('__scrape_native_histograms__'),
      alwaysClassic: wants('__always_scrape_classic_histograms__'),
      toCustomBuckets: wants('__convert_classic_histograms_to_nhcb__'),
    };
    this.key = `${labels.key}\udfff${this.url}`;
    this.hash = fnv1a(utf8(`${labels.key.replaceAll('\udfff', '\0')}\0${this.url}`));
  }
}

/** FNV-1a, 64 bits. */
export function fnv1a(bytes: Uint8Array): bigint {
  let hash = 0xcbf29ce484222325n;
  for (const byte of bytes) hash = BigInt.asUintN(64, (hash ^ BigInt(byte)) * 0x100000001b3n);
  return hash;
}

/** As Go's url.QueryEscape. */
const queryEscape = (text: string): string =>
  encodeURIComponent(text)
    .replace(/[!'()*]/g, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`)
    .replaceAll('%20', '+');

const pathEscape = (path: string): string => encodeURI(path).replace(/[?#]/g, (c) => (c === '?' ? '%3F' : '%23'));

/** scheme://address/path?params; a `__param_x` label replaces the first value of parameter x. */
function targetUrl(labels: Labels, configured: ScrapeConfig['params']): string {
  const params = new Map<string, string[]>(Object.entries(configured).map(([name, values]) => [name, [...values]]));
  for (const [name, value] of labels) {
    if (!name.startsWith('__param_')) continue;
    const param = name.slice('__param_'.length);
    params.set(param, [value, ...(params.get(param) ?? []).slice(1)]);
  }
  const query = [...params.keys()]
    .sort()
    .flatMap((name) => (params.get(name) ?? []).map((value) => `${queryEscape(name)}=${queryEscape(value)}`))
    .join('&');
  const path = labels.get('__metrics_path__');
  const slash = path === '' || path.startsWith('/') ? '' : '/';
  const base = `${labels.get('__scheme__')}://${labels.get('__address__')}${slash}${pathEscape(path)}`;
  return query === '' ? base : `${base}?${query}`;
}

/** What a group comes to. */
export interface TargetsOfGroup {
  readonly active: Target[];
  /** Discovered labels of targets that relabelling dropped. */
  readonly dropped: Labels[];
  readonly errors: string[];
}

/** Makes targets of discovered groups by a job's settings. */
export class TargetFactory {
  readonly #config: ScrapeConfig;
  readonly #relabel: (builder: LabelsBuilder) => boolean;

  constructor(config: ScrapeConfig) {
    this.#config = config;
    this.#relabel = compileRelabelRules(config.relabelConfigs, config.metricNameValidationScheme);
  }

  fromGroups(groups: readonly TargetGroup[]): TargetsOfGroup {
    const out: TargetsOfGroup = { active: [], dropped: [], errors: [] };
    for (const group of groups) group.targets.forEach((labels, i) => this.#add(out, group, labels, i));
    return out;
  }

  #add(out: TargetsOfGroup, group: TargetGroup, own: Labels, index: number): void {
    const builder = this.#discovered(group, own);
    const discovered = builder.labels();
    if (!this.#relabel(builder) || builder.entries().length === 0) {
      out.dropped.push(discovered);
      return;
    }
    try {
      out.active.push(new Target(finish(builder), discovered, this.#config.params));
    } catch (error) {
      if (!(error instanceof TidemarkError)) throw error;
      out.errors.push(`instance ${index} in group ${group.source}: ${errorText(error)}`);
    }
  }

  /** Labels before relabelling: the target's, the group's, the job's. */
  #discovered(group: TargetGroup, own: Labels): LabelsBuilder {
    const config = this.#config;
    const builder = new LabelsBuilder(own);
    const fill = (name: string, value: string): void => {
      if (builder.get(name) === '') builder.set(name, value);
    };
    for (const [name, value] of group.labels) if (!own.has(name)) builder.set(name, value);
    fill('job', config.jobName);
    fill('__scrape_interval__', formatDuration(config.scrapeIntervalMs));
    fill('__scrape_timeout__', formatDuration(config.scrapeTimeoutMs));
    for (const [label, field] of Object.entries(HISTOGRAM_LABELS)) fill(label, String(config[field]));
    fill('__metrics_path__', config.metricsPath);
    fill('__scheme__', config.scheme);
    for (const [name, values] of Object.entries(config.params)) {
      if (values.length > 0) fill(`__param_${name}`, values[0]);
    }
    return builder;
  }
}

const refuse = (text: string): TidemarkError => new TidemarkError('bad_target', text);

function durationLabel(builder: LabelsBuilder, name: string, what: string): number {
  let durationMs: number;
  try {
    durationMs = parseDuration(builder.get(name));
  } catch (error) {
    throw refuse(`error parsing scrape ${what}: ${errorText(error)}`);
  }
  if (durationMs === 0) throw refuse(`scrape ${what} cannot be 0`);
  return durationMs;
}

/** As Go's strconv.ParseBool; undefined: it is none. */
function parseBool(text: string): boolean | undefined {
  if (/^(?:1|t|T|true|TRUE|True)$/.test(text)) return true;
  return /^(?:0|f|F|false|FALSE|False)$/.test(text) ? false : undefined;
}

function checkBoolLabel(builder: LabelsBuilder, name: string): void {
  const text = builder.get(name);
  if (parseBool(text) === undefined && text !== '')
    throw refuse(`error parsing ${name}: strconv.ParseBool: parsing ${goQuote(text)}: invalid syntax`);
}

/** Labels after relabelling: checked, without `__meta_`, with an instance. */
function finish(builder: LabelsBuilder): Labels {
  const address = builder.get('__address__');
  if (address === '') throw refuse('no address');
  if (address.includes('/')) throw refuse(`${goQuote(address)} is not a valid hostname`);
  const intervalMs = durationLabel(builder, '__scrape_interval__', 'interval');
  const timeoutMs = durationLabel(builder, '__scrape_timeout__', 'timeout');
  if (timeoutMs > intervalMs) {
    const [timeout, interval] = ['__scrape_timeout__', '__scrape_interval__'].map((name) => goQuote(builder.get(name)));
    throw refuse(`scrape timeout cannot be greater than scrape interval (${timeout} > ${interval})`);
  }
  for (const name of Object.keys(HISTOGRAM_LABELS)) checkBoolLabel(builder, name);
  for (const [name] of builder.entries()) if (name.startsWith('__meta_')) builder.remove(name);
  if (builder.get('instance') === '') builder.set('instance', address);
  const labels = builder.labels();
  for (const [name, value] of labels) {
    if (!value.isWellFormed()) throw refuse(`invalid label value for ${goQuote(name)}: ${goQuote(value)}`);
  }
  return labels;
}
