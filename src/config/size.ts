// Byte sizes in powers of 1024: `10MB`, `1.5GiB`, `1KB512B`. A unit is needed except for 0. KB and KiB are the same.
import { TidemarkError } from '../base/index.ts';

const PREFIXES = ['', 'K', 'M', 'G', 'T', 'P', 'E'];

const problem = (text: string) => new TidemarkError('bad_data', `units: ${text}`);

function unitBytes(unit: string): number | undefined {
  const found = /^([KMGTPE]?)(i?)B$/.exec(unit);
  if (!found || (found[2] && !found[1])) return undefined;
  return 1024 ** PREFIXES.indexOf(found[1]);
}

/** Bytes of a size; throws TidemarkError `bad_data`. */
export function parseSize(text: string): number {
  const sign = text.startsWith('-') ? -1 : 1;
  const body = text.replace(/^[-+]/, '');
  if (body === '0') return 0;
  if (body === '') throw problem(`invalid ${text}`);
  let total = 0;
  let at = 0;
  while (at < body.length) {
    const number = /^(?:[0-9]+\.?[0-9]*|\.[0-9]+)/.exec(body.slice(at))?.[0];
    if (number === undefined) throw problem(`invalid ${text}`);
    const unit = /^[^.0-9]*/.exec(body.slice(at + number.length))?.[0] ?? '';
    if (unit === '') throw problem(`missing unit in ${text}`);
    const bytes = unitBytes(unit);
    if (bytes === undefined) throw problem(`unknown unit ${unit} in ${text}`);
    total += Number(number) * bytes;
    at += number.length + unit.length;
  }
  if (total >= 2 ** 63) throw problem(`invalid ${text}`);
  return sign * Math.trunc(total);
}

/** The size as Prometheus prints it: `15MiB`, `1KiB512B`. */
export function formatSize(sizeBytes: number): string {
  let left = Math.abs(sizeBytes);
  if (left === 0) return '0B';
  let out = sizeBytes < 0 ? '-' : '';
  for (let i = PREFIXES.length - 1; i >= 0; i--) {
    const unit = 1024 ** i;
    const count = Math.floor(left / unit);
    if (count > 0) out += `${count}${PREFIXES[i]}${i > 0 ? 'iB' : 'B'}`;
    left -= count * unit;
  }
  return out;
}
