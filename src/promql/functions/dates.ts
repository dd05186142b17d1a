// Parts of a time in UTC, from Unix seconds. Civil dates by days since 1970-01-01 (proleptic Gregorian calendar), without
// Date objects and beyond their range.

interface CivilDate {
  readonly year: number;
  /** 1-12. */
  readonly month: number;
  readonly day: number;
}

const SECONDS_PER_DAY = 86400;

// NaN and what is beyond 64 bits becomes the smallest int64 in Prometheus (on amd64), which its calendar takes for 2^63.
const INT64_LIMIT = 2 ** 63;
const OVERFLOW_DAYS = 106751991167300;
const OVERFLOW_SECOND = 55808;

/** Eras of 400 years begin on March 1st, so that the leap day is a year's last. */
function civilFromDays(days: number): CivilDate {
  const shifted = days + 719468;
  const era = Math.floor(shifted / 146097);
  const dayOfEra = shifted - era * 146097;
  const yearOfEra = Math.floor(
    (dayOfEra - Math.floor(dayOfEra / 1460) + Math.floor(dayOfEra / 36524) - Math.floor(dayOfEra / 146096)) / 365,
  );
  const dayOfYear = dayOfEra - (365 * yearOfEra + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100));
  const marchMonth = Math.floor((5 * dayOfYear + 2) / 153);
  const day = dayOfYear - Math.floor((153 * marchMonth + 2) / 5) + 1;
  const month = marchMonth < 10 ? marchMonth + 3 : marchMonth - 9;
  return { year: yearOfEra + era * 400 + (month <= 2 ? 1 : 0), month, day };
}

const isLeap = (year: number): boolean => (year % 4 === 0 && year % 100 !== 0) || year % 400 === 0;

const MONTH_DAYS = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];

const daysInMonth = (year: number, month: number): number => (month === 2 && isLeap(year) ? 29 : MONTH_DAYS[month - 1]);

function dayOfYear({ year, month, day }: CivilDate): number {
  let days = day;
  for (let m = 1; m < month; m++) days += daysInMonth(year, m);
  return days;
}

const DATE_FUNCTIONS: Record<string, (days: number, secondOfDay: number) => number> = {
  day_of_month: (days) => civilFromDays(days).day,
  day_of_week: (days) => (((days + 4) % 7) + 7) % 7,
  day_of_year: (days) => dayOfYear(civilFromDays(days)),
  days_in_month(days) {
    const { year, month } = civilFromDays(days);
    return daysInMonth(year, month);
  },
  hour: (_, second) => Math.floor(second / 3600),
  minute: (_, second) => Math.floor((second % 3600) / 60),
  month: (days) => civilFromDays(days).month,
  year: (days) => civilFromDays(days).year,
};

export const isDateFunction = (fn: string): boolean => Object.hasOwn(DATE_FUNCTIONS, fn);

export function dateColumn(fn: string, seconds: Float64Array): Float64Array {
  const f = DATE_FUNCTIONS[fn];
  const out = new Float64Array(seconds.length);
  for (let i = 0; i < seconds.length; i++) {
    const whole = Math.trunc(seconds[i]);
    if (!(Math.abs(whole) < INT64_LIMIT)) {
      out[i] = f(OVERFLOW_DAYS, OVERFLOW_SECOND);
      continue;
    }
    const second = ((whole % SECONDS_PER_DAY) + SECONDS_PER_DAY) % SECONDS_PER_DAY;
    // Beyond 2^53 the difference is rounded, by less than a hundredth of a day.
    out[i] = f(Math.round((whole - second) / SECONDS_PER_DAY), second);
  }
  return out;
}
