// Configurations of tests, and what is said of bad ones.
import assert from 'node:assert/strict';
import { type Config, parseConfig } from '../../src/config/index.ts';

const FILE = '/etc/tm/prometheus.yml';

export const parse = (text: string, env = {}): Config => parseConfig(text, { file: FILE, env });

/** The text is refused with this message after file, line and column. */
export function bad(text: string, place: string, message: string): void {
  const [line, column] = place.split(':');
  assert.throws(() => parse(text), {
    code: 'bad_config',
    message: `cannot read ${FILE}: line ${line}, column ${column}: ${message}`,
  });
}

export const job = (fields: string): string => `scrape_configs:\n- job_name: x\n${fields.replace(/^/gm, '  ')}`;

/** A job with one wrong field on line 3. */
export const badJob = (fields: string, place: string, message: string): void =>
  bad(job(fields), place, `scrape_configs[0]${message}`);

export const oneJob = (fields: string) => parse(job(fields)).scrapeConfigs[0];
