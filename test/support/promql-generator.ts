// Random PromQL over the series of promql-data.ts: every stable function, aggregation and operator, subqueries, offsets, `@`, joins.
// Most of it has an answer; some is an error, which has to be the same error everywhere.

/** Numbers in [0, 1), the same for the same seed. */
export type Random = () => number;

const FLOATS = ['requests_total', 'load', 'odd', 'latency_bucket', 'flappy', 'flat', 'build_info'];
const HISTOGRAMS = ['nh', 'nhcb', 'mixed'];
const RANGES = ['30s', '1m', '90s', '3m', '10m'];
const OFFSETS = ['15s', '1m', '-30s', '7m'];
const LABELS = ['job', 'instance', 'le', 'version'];
const NUMBERS = ['0', '1', '2', '0.5', '-3', '1e3', 'NaN', 'Inf', '60', '0.1'];

const INSTANT_FUNCTIONS =
  'abs ceil deg exp floor ln log2 log10 rad sgn sqrt acos acosh asin asinh atan atanh cos cosh sin sinh tan tanh ' +
  'histogram_avg histogram_count histogram_sum histogram_stddev histogram_stdvar ' +
  'day_of_month day_of_week day_of_year days_in_month hour minute month year sort sort_desc timestamp absent';
const RANGE_FUNCTIONS =
  'absent_over_time avg_over_time changes count_over_time delta deriv first_over_time idelta increase irate ' +
  'last_over_time max_over_time min_over_time present_over_time rate resets stddev_over_time stdvar_over_time sum_over_time';
const EXPERIMENTAL_RANGE =
  'mad_over_time ts_of_first_over_time ts_of_last_over_time ts_of_max_over_time ts_of_min_over_time';
const AGGREGATIONS = 'sum sum sum avg avg min max count group stddev stdvar';
const ARITHMETIC = '+ - * / % ^ atan2';
const COMPARISONS = '== != > < >= <=';

const words = (text: string): string[] => text.split(' ');

/** Writes one query after the other. */
export class QueryGenerator {
  readonly #random: Random;

  constructor(random: Random) {
    this.#random = random;
  }

  #pick<T>(from: readonly T[]): T {
    return from[Math.floor(this.#random() * from.length)];
  }

  #chance(probability: number): boolean {
    return this.#random() < probability;
  }

  query(): string {
    return this.#chance(0.04) ? this.#scalar(3) : this.#vector(1 + Math.floor(this.#random() * 4));
  }

  #matchers(name: string): string {
    const parts: string[] = [];
    if (this.#chance(0.25)) parts.push(`job${this.#pick(['="j0"', '!="j1"', '=~"j[12]"', '!~"j0|j1"'])}`);
    if (this.#chance(0.15)) parts.push(`instance${this.#pick(['="i3"', '=~"i[0-4]"', '!=""', '=""'])}`);
    if (name === 'latency_bucket' && this.#chance(0.2)) parts.push('le!="+Inf"');
    return parts.join(',');
  }

  #name(): string {
    return this.#chance(0.3) ? this.#pick(HISTOGRAMS) : this.#pick(FLOATS);
  }

  #modifiers(): string {
    let out = '';
    if (this.#chance(0.12)) out += ` offset ${this.#pick(OFFSETS)}`;
    if (this.#chance(0.06)) out += ` @ ${this.#pick(['300', '555.5', 'start()', 'end()'])}`;
    return out;
  }

  #selector(range = ''): string {
    if (this.#chance(0.06)) {
      const names = this.#pick(['requests_total|load', '.+_total', 'nh.*', 'flappy|odd']);
      return `{__name__=~"${names}"}${range}${this.#modifiers()}`;
    }
    const name = this.#name();
    const matchers = this.#matchers(name);
    return `${name}${matchers === '' ? '' : `{${matchers}}`}${range}${this.#modifiers()}`;
  }

  #range(depth: number): string {
    if (depth > 0 && this.#chance(0.25)) {
      const step = this.#pick(['', '15s', '20s', '1m']);
      return `${this.#operand(depth - 1)}[${this.#pick(RANGES)}:${step}]${this.#modifiers()}`;
    }
    return this.#selector(`[${this.#pick(RANGES)}]`);
  }

  /** Something that a subquery or a comparison can follow. */
  #operand(depth: number): string {
    return `(${this.#vector(depth)})`;
  }

  #grouping(): string {
    if (this.#chance(0.25)) return '';
    const names = LABELS.filter(() => this.#chance(0.4));
    return ` ${this.#pick(['by', 'by', 'without'])} (${names.join(', ')}) `;
  }

  #scalar(depth: number): string {
    if (depth === 0 || this.#chance(0.4)) return this.#pick([...NUMBERS, ...NUMBERS, 'time()', 'pi()']);
    if (this.#chance(0.3)) return `scalar(${this.#vector(depth - 1)})`;
    return `(${this.#scalar(depth - 1)} ${this.#pick(words(ARITHMETIC))} ${this.#scalar(depth - 1)})`;
  }

  #vector(depth: number): string {
    if (depth === 0) return this.#selector();
    const roll = this.#random();
    if (roll < 0.05) return this.#selector();
    if (roll < 0.24) return this.#rangeCall(depth);
    if (roll < 0.38) return `${this.#pick(words(INSTANT_FUNCTIONS))}(${this.#vector(depth - 1)})`;
    if (roll < 0.64) return this.#aggregation(depth);
    if (roll < 0.74) return this.#vectorScalar(depth);
    if (roll < 0.9) return this.#join(depth);
    return this.#call(depth);
  }

  #rangeCall(depth: number): string {
    const roll = this.#random();
    const range = this.#range(depth);
    if (roll < 0.75) return `${this.#pick(words(RANGE_FUNCTIONS))}(${range})`;
    if (roll < 0.82) return `${this.#pick(words(EXPERIMENTAL_RANGE))}(${range})`;
    if (roll < 0.9) return `quantile_over_time(${this.#scalar(1)}, ${range})`;
    if (roll < 0.97) return `predict_linear(${range}, ${this.#scalar(1)})`;
    return `double_exponential_smoothing(${range}, 0.3, ${this.#pick(['0.6', '0.1', '2'])})`;
  }

  #aggregation(depth: number): string {
    const roll = this.#random();
    const inner = this.#vector(depth - 1);
    const grouping = this.#grouping();
    if (roll < 0.75) return `${this.#pick(words(AGGREGATIONS))}${grouping}(${inner})`;
    if (roll < 0.87) {
      const op = this.#pick(['topk', 'bottomk', 'limitk']);
      return `${op}${grouping}(${this.#pick(['1', '2', '5', '0', this.#scalar(1)])}, ${inner})`;
    }
    if (roll < 0.93) return `quantile${grouping}(${this.#pick(['0.5', '0.9', '0', this.#scalar(1)])}, ${inner})`;
    if (roll < 0.97) return `count_values${grouping}("value", ${inner})`;
    return `limit_ratio${grouping}(${this.#pick(['0.5', '-0.3', '1'])}, ${inner})`;
  }

  #vectorScalar(depth: number): string {
    if (this.#chance(0.15)) return `-${this.#operand(depth - 1)}`;
    const compares = this.#chance(0.4);
    const op = this.#pick(words(compares ? COMPARISONS : ARITHMETIC)) + (compares && this.#chance(0.4) ? ' bool' : '');
    const [a, b] = [this.#operand(depth - 1), this.#scalar(1)];
    return this.#chance(0.6) ? `${a} ${op} ${b}` : `${b} ${op} ${a}`;
  }

  #join(depth: number): string {
    const left = this.#operand(depth - 1);
    // The same expression twice is common, and shared while it is evaluated.
    const right = this.#chance(0.2) ? left : this.#operand(this.#chance(0.5) ? 0 : depth - 1);
    const on = this.#pick(['', '', ' on (job)', ' on (job, instance)', ' ignoring (le, version)', ' on ()']);
    if (this.#chance(0.4)) return `${left} ${this.#pick(['and', 'or', 'unless'])}${on} ${right}`;
    const compares = this.#chance(0.35);
    const op = this.#pick(words(compares ? COMPARISONS : ARITHMETIC)) + (compares && this.#chance(0.4) ? ' bool' : '');
    const group = on === '' ? '' : this.#pick(['', ' group_left ()', ' group_right ()', ' group_left (version)']);
    return `${left} ${op}${on}${group} ${right}`;
  }

  #call(depth: number): string {
    const inner = this.#vector(depth - 1);
    switch (Math.floor(this.#random() * 10)) {
      case 0:
        return `clamp(${inner}, ${this.#scalar(1)}, ${this.#scalar(1)})`;
      case 1:
        return `${this.#pick(['clamp_min', 'clamp_max', 'round'])}(${inner}, ${this.#scalar(1)})`;
      case 2:
        return `label_replace(${inner}, "${this.#pick(LABELS)}", "x$1", "instance", "i(.).*")`;
      case 3:
        return `label_join(${inner}, "${this.#pick(['both', 'job'])}", "-", "job", "instance")`;
      case 4:
        return `vector(${this.#scalar(depth - 1)})`;
      case 5:
        return `histogram_fraction(${this.#scalar(0)}, ${this.#scalar(0)}, ${inner})`;
      case 6:
        return `histogram_quantile(${this.#pick(['0.9', '0.5', '1'])}, rate(latency_bucket[${this.#pick(RANGES)}]))`;
      case 7:
        return `histogram_quantile(0.8, sum by (job, le) (rate(latency_bucket[${this.#pick(RANGES)}])))`;
      default:
        return `histogram_quantile(${this.#scalar(0)}, ${inner})`;
    }
  }
}
