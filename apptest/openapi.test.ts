// Every endpoint of Prometheus' API description, asked of the real program: each answer must have the shape that the description
// gives it, errors included.
import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { Ajv2020 } from 'ajv/dist/2020.js';
import formats from 'ajv-formats';
import { parse } from 'yaml';
import { compressSnappy } from '../src/wire/index.ts';
import { Program, until } from '../test/support/program.ts';
import { repositoryRoot } from '../test/support/sources.ts';
import { encodeMessage, send, writeHeaders } from './client.ts';

const FILE = path.join(repositoryRoot, '../shared/conformance/openapi/openapi_3.1_golden.yaml');
const skip = existsSync(FILE) ? false : 'the API description is not there';

interface Media {
  readonly schema?: object;
}
interface Operation {
  readonly responses: Readonly<Record<string, { readonly content?: Readonly<Record<string, Media>> }>>;
}
interface Description {
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
}

const NOW_SECONDS = Math.floor(Date.now() / 1000);
const SPAN = `start=${NOW_SECONDS - 300}&end=${NOW_SECONDS}`;
const LABELS = encodeURIComponent('{"__address__":"localhost:1","job":"x"}');

// A string result is left out: the description has its time as a text, Prometheus sends a number, and so do we.
/** Good and bad parameters of each endpoint; an endpoint that takes none has no bad ones. */
const CASES: Readonly<Record<string, { readonly good: readonly string[]; readonly bad?: readonly string[] }>> = {
  '/query': {
    good: ['query=up', 'query=up[5m]', 'query=1', 'query=sum(m)&stats=all', 'query=m&limit=1', 'query=h'],
    bad: ['query=', 'query=up%7B', 'query=1&time=x', 'query=1&timeout=x', 'query=1&limit=x'],
  },
  '/query_range': {
    good: [`query=m&${SPAN}&step=15`, `query=rate(m[1m])&${SPAN}&step=15s&stats=all`, `query=h&${SPAN}&step=60`],
    bad: [`query=m&${SPAN}`, `query=m&${SPAN}&step=0`, `query=m[5m]&${SPAN}&step=15`, 'query=m&start=2&end=1&step=1'],
  },
  '/query_exemplars': { good: [`query=m&${SPAN}`], bad: ['query=m%7B', 'query=m&start=x'] },
  '/format_query': { good: ['query=sum(m)by(job)'], bad: ['query=sum('] },
  '/parse_query': { good: ['query=sum(rate(m[5m]))by(job)', 'query=-1', 'query=m'], bad: ['query=sum('] },
  '/labels': { good: ['', SPAN, 'match[]=m&limit=1'], bad: ['match[]=%7B', 'limit=-1'] },
  '/label/{name}/values': { good: ['', 'match[]=m'], bad: ['start=x'] },
  '/series': { good: [`match[]=m&${SPAN}`, 'match[]=m&match[]=up&limit=1'], bad: ['', 'match[]=%7B%7D'] },
  '/metadata': { good: ['', 'limit=1', 'metric=none'], bad: ['limit=x'] },
  '/scrape_pools': { good: [''] },
  '/scrape_pools/config': { good: ['scrapePool=own'], bad: ['', 'scrapePool=none'] },
  '/targets': { good: ['', 'state=active', 'state=dropped', 'scrapePool=own'] },
  '/targets/metadata': { good: ['', 'match_target={job="own"}', 'limit=2'], bad: ['limit=x'] },
  '/targets/relabel_steps': {
    good: [`scrapePool=own&labels=${LABELS}`],
    bad: ['scrapePool=own', 'scrapePool=own&labels=x'],
  },
  '/rules': { good: ['', 'type=alert'], bad: ['type=x', 'exclude_alerts=x'] },
  '/alerts': { good: [''] },
  '/alertmanagers': { good: [''] },
  '/status/config': { good: [''] },
  '/status/runtimeinfo': { good: [''] },
  '/status/buildinfo': { good: [''] },
  '/status/flags': { good: [''] },
  '/status/tsdb': { good: ['', 'limit=2'], bad: ['limit=0'] },
  '/status/tsdb/blocks': { good: [''] },
  '/status/walreplay': { good: [''] },
  '/status/self_metrics': { good: ['', 'metric_name_pattern=tidemark_.*'], bad: ['metric_name_pattern=('] },
  '/notifications': { good: [''] },
  '/features': { good: [''] },
  '/admin/tsdb/delete_series': { good: ['match[]=none'], bad: ['', 'match[]=%7B'] },
  '/admin/tsdb/clean_tombstones': { good: [''] },
  '/admin/tsdb/snapshot': { good: ['', 'skip_head=true'], bad: ['skip_head=x'] },
};

/** Endpoints whose bodies are not JSON have tests of their own; search/* is behind a feature flag that is not there yet. */
const LEFT_OUT = new Set(
  '/write /read /otlp/v1/metrics /search/metric_names /search/label_names /search/label_values'.split(' '),
);

const CONFIG = `global:
  scrape_interval: 1s
scrape_configs:
  - job_name: own
    static_configs: [{targets: ['localhost:PORT', 'dropped:1']}]
    relabel_configs:
      - {source_labels: [__address__], regex: 'dropped.*', action: drop}
      - {source_labels: [__address__], target_label: shown, replacement: 'x-$1'}
`;

let program: Program;
let description: Description;
const ajv = new Ajv2020({ strict: false, allErrors: true, validateFormats: true });
(formats as unknown as (ajv: Ajv2020) => void)(ajv);

before(async () => {
  if (skip) return;
  const text = readFileSync(FILE, 'utf8');
  description = parse(text) as Description;
  ajv.addSchema({ ...(description as object), $id: 'api' } as object, 'api');
  program = await Program.start(null, { args: ['--web.enable-admin-api'] });
  const { writeFile } = await import('node:fs/promises');
  await writeFile(program.configFile, CONFIG.replace('PORT', String(program.port)));
  program.signal('SIGHUP');
  const samples = Array.from({ length: 20 }, (_, i) => ({ timestampMs: (NOW_SECONDS - i * 15) * 1000, value: i }));
  const labels: [string, string][] = [
    ['__name__', 'm'],
    ['job', 'x'],
  ];
  const body = compressSnappy(encodeMessage(1, [{ labels, samples }]));
  assert.equal((await send(program, { path: '/api/v1/write', headers: writeHeaders(1), body })).status, 204);
  await until('the program has scraped itself', 20_000, async () =>
    (await send(program, { path: '/api/v1/query?query=up' })).text.includes('"1"'),
  );
});

after(async () => {
  await program?.dispose();
});

const decodedPath = (pointer: string): string => pointer.replaceAll('~', '~0').replaceAll('/', '~1');

/** What is wrong with an answer; null: it is as described. */
async function problem(method: string, endpoint: string, parameters: string, isGood: boolean): Promise<string | null> {
  const url = `/api/v1${endpoint.replace('{name}', 'job')}`;
  const isForm = method === 'post' && parameters !== '';
  const reply = await send(program, {
    method: method.toUpperCase(),
    path: isForm || parameters === '' ? url : `${url}?${parameters.replaceAll(' ', '%20')}`,
    ...(isForm && { headers: { 'content-type': 'application/x-www-form-urlencoded' }, body: parameters }),
  });
  const what = `${method} ${endpoint} ${parameters}: ${reply.status}`;
  const { responses } = description.paths[endpoint][method];
  const isSuccess = reply.status >= 200 && reply.status <= 299;
  if (isSuccess !== isGood) return `${what} ${reply.text.slice(0, 200)}`;
  if (reply.status === 204) return endpoint.startsWith('/admin/') ? null : `${what}: no content`;
  if (!String(reply.headers['content-type']).startsWith('application/json')) return `${what}: no JSON`;
  const status = responses[String(reply.status)] ? String(reply.status) : 'default';
  const schema = `api#/paths/${decodedPath(endpoint)}/${method}/responses/${status}/content/application~1json/schema`;
  const validate = ajv.getSchema(schema) ?? assert.fail(`no schema at ${schema}`);
  if (validate(JSON.parse(reply.text))) return null;
  return `${what}: ${ajv.errorsText(validate.errors).slice(0, 400)} in ${reply.text.slice(0, 300)}`;
}

test('every described endpoint is asked here or left out with a reason', { skip }, () => {
  const asked = new Set([...Object.keys(CASES), ...LEFT_OUT]);
  assert.deepEqual(
    Object.keys(description.paths).filter((endpoint) => !asked.has(endpoint)),
    [],
  );
});

test('every answer has the described shape', { skip }, async (t) => {
  const problems: string[] = [];
  let count = 0;
  for (const [endpoint, { good, bad = [] }] of Object.entries(CASES)) {
    for (const method of Object.keys(description.paths[endpoint])) {
      for (const [parameters, isGood] of [
        ...good.map((text) => [text, true] as const),
        ...bad.map((text) => [text, false] as const),
      ]) {
        count++;
        const found = await problem(method, endpoint, parameters, isGood);
        if (found !== null) problems.push(found);
      }
    }
  }
  t.diagnostic(`${count} answers`);
  assert.deepEqual(problems, []);
});
