// Methods of times and durations that templates call: {{ ($value | toTime).Format "15:04" }}. Times are in UTC.
import type { ParameterType, TemplateFunction } from './functions.ts';
import { GoDuration, GoTime, type GoValue, durationText, printValue } from './values.ts';

const MONTHS = 'January February March April May June July August September October November December'.split(' ');
const DAYS = 'Sunday Monday Tuesday Wednesday Thursday Friday Saturday'.split(' ');
const NS_PER_MS = 1_000_000n;

const method = (call: (args: readonly GoValue[]) => GoValue, ...parameters: ParameterType[]): TemplateFunction => ({
  parameters,
  call,
});

const two = (value: number): string => String(value).padStart(2, '0');
const floorDivide = (a: bigint, b: bigint): bigint => (a - (((a % b) + b) % b)) / b;
const dateOf = ({ nanoseconds }: GoTime): Date => new Date(Number(floorDivide(nanoseconds, NS_PER_MS)));
const nanosecondOf = ({ nanoseconds }: GoTime): number => Number(((nanoseconds % 10n ** 9n) + 10n ** 9n) % 10n ** 9n);
const hour12 = (date: Date): number => date.getUTCHours() % 12 || 12;

function dayOfYear(date: Date): number {
  return Math.floor((date.getTime() - Date.UTC(date.getUTCFullYear(), 0, 1)) / 86_400_000) + 1;
}

/** The parts of a layout, the longest first where one begins another. */
const LAYOUT =
  /January|Jan|Monday|Mon|MST|2006|Z07:00:00|Z070000|Z07:00|Z0700|Z07|-07:00:00|-070000|-07:00|-0700|-07|002|01|02|03|04|05|06|15|__2|_2|PM|pm|[.,]0+(?!\d)|[.,]9+(?!\d)|1|2|3|4|5/g;

function layoutPart(part: string, time: GoTime, date: Date): string {
  const [month, day] = [date.getUTCMonth(), date.getUTCDate()];
  if (part.length > 1 && (part.startsWith('.') || part.startsWith(','))) {
    const digits = String(nanosecondOf(time))
      .padStart(9, '0')
      .slice(0, part.length - 1);
    const kept = part[1] === '9' ? digits.replace(/0+$/, '') : digits;
    return kept === '' ? '' : part[0] + kept;
  }
  if (part.startsWith('Z07')) return 'Z';
  if (part.startsWith('-07')) return part.replace('07', '00').replace('-', '+');
  const parts: Record<string, () => string> = {
    January: () => MONTHS[month],
    Jan: () => MONTHS[month].slice(0, 3),
    Monday: () => DAYS[date.getUTCDay()],
    Mon: () => DAYS[date.getUTCDay()].slice(0, 3),
    MST: () => 'UTC',
    2006: () => String(date.getUTCFullYear()).padStart(4, '0'),
    '06': () => two(date.getUTCFullYear() % 100),
    '01': () => two(month + 1),
    1: () => String(month + 1),
    '02': () => two(day),
    _2: () => String(day).padStart(2),
    __2: () => String(dayOfYear(date)).padStart(3),
    '002': () => String(dayOfYear(date)).padStart(3, '0'),
    2: () => String(day),
    15: () => two(date.getUTCHours()),
    '03': () => two(hour12(date)),
    3: () => String(hour12(date)),
    '04': () => two(date.getUTCMinutes()),
    4: () => String(date.getUTCMinutes()),
    '05': () => two(date.getUTCSeconds()),
    5: () => String(date.getUTCSeconds()),
    PM: () => (date.getUTCHours() < 12 ? 'AM' : 'PM'),
    pm: () => (date.getUTCHours() < 12 ? 'am' : 'pm'),
  };
  return parts[part]();
}

/** time.Format */
function formatTime(time: GoTime, layout: string): string {
  const date = dateOf(time);
  return layout.replace(LAYOUT, (part) => layoutPart(part, time, date));
}

/** A method of a time; undefined if there is none of the name. */
export function timeMethod(time: GoTime, name: string): TemplateFunction | undefined {
  const date = dateOf(time);
  const int = (value: number | bigint): TemplateFunction => method(() => BigInt(value));
  const unix = (unit: bigint): TemplateFunction => int(floorDivide(time.nanoseconds, unit));
  switch (name) {
    case 'Format':
      return method(([layout]) => formatTime(time, layout as string), 'string');
    case 'String':
      return method(() => printValue(time));
    case 'UTC':
      return method(() => time);
    case 'Unix':
      return unix(10n ** 9n);
    case 'UnixMilli':
      return unix(NS_PER_MS);
    case 'UnixMicro':
      return unix(1000n);
    case 'UnixNano':
      return unix(1n);
    case 'Year':
      return int(date.getUTCFullYear());
    case 'Month':
      return method(() => MONTHS[date.getUTCMonth()]);
    case 'Day':
      return int(date.getUTCDate());
    case 'Hour':
      return int(date.getUTCHours());
    case 'Minute':
      return int(date.getUTCMinutes());
    case 'Second':
      return int(date.getUTCSeconds());
    case 'Nanosecond':
      return int(nanosecondOf(time));
    case 'Weekday':
      return method(() => DAYS[date.getUTCDay()]);
    case 'YearDay':
      return int(dayOfYear(date));
    case 'IsZero':
      return method(() => time.nanoseconds === -62_135_596_800n * 10n ** 9n);
    case 'AddDate':
      return method(
        ([years, months, days]) => {
          const moved = new Date(date);
          moved.setUTCFullYear(
            date.getUTCFullYear() + Number(years),
            date.getUTCMonth() + Number(months),
            date.getUTCDate() + Number(days),
          );
          return new GoTime(
            BigInt(moved.getTime()) * NS_PER_MS +
              (time.nanoseconds - floorDivide(time.nanoseconds, NS_PER_MS) * NS_PER_MS),
          );
        },
        'int',
        'int',
        'int',
      );
    default:
      return undefined;
  }
}

/** A method of a duration; undefined if there is none of the name. */
export function durationMethod({ nanoseconds }: GoDuration, name: string): TemplateFunction | undefined {
  switch (name) {
    case 'String':
      return method(() => durationText(nanoseconds));
    case 'Hours':
      return method(() => Number(nanoseconds) / 3.6e12);
    case 'Minutes':
      return method(() => Number(nanoseconds) / 6e10);
    case 'Seconds':
      return method(() => Number(nanoseconds) / 1e9);
    case 'Milliseconds':
      return method(() => nanoseconds / NS_PER_MS);
    case 'Microseconds':
      return method(() => nanoseconds / 1000n);
    case 'Nanoseconds':
      return method(() => nanoseconds);
    case 'Abs':
      return method(() => new GoDuration(nanoseconds < 0n ? -nanoseconds : nanoseconds));
    default:
      return undefined;
  }
}
