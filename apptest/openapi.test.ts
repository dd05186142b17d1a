// Every endpoint of Prometheus' API description, asked of the real program: each answer must have the shape that the description
// gives it, errors included.
import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { type TestContext, after, before, test } from 'node:test';
import { Ajv2020 } from 'ajv/dist/2020.js';
import formats from 'ajv-formats';
import { parse } from 'yaml';
import { compressSnappy } from '../src/wire/index.ts';
import { Program, until } from '../test/support/program.ts';
import { repositoryRoot } from '../test/support/sources.ts';
import { encodeMessage, send, writeHeaders } from './client.ts';

const FILE = path.join(repositoryRoot, '../shared/conformance/openapi/openapi_3.1_golden.yaml');
const skip = existsSync(FILE) ? false : 'the API description is not there';

const NDJSON = 'application/x-ndjson';
const JSON_TYPE = 'application/json';

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
  '/rules': {
    good: ['', 'type=alert', 'exclude_alerts=true', 'group_limit=1', 'rule_name[]=Always', 'match[]={severity="page"}'],
    bad: ['type=x', 'exclude_alerts=x', 'group_limit=0', 'group_next_token=x', 'group_limit=1&group_next_token=x'],
  },
  '/alerts': { good: [''] },
  '/alertmanagers': { good: [''] },
  '/search/metric_names': {
    good: [
      '',
      'search[]=u&sort_by=score&include_score=true&include_metadata=1',
      'search[]=zzz',
      'limit=1&batch_size=1',
    ],
    bad: ['sort_by=x', 'limit=0', 'match[]=%7B', 'search[]=a&fuzz_threshold=101'],
  },
  '/search/label_names': { good: ['', 'match[]=m&sort_by=alpha&sort_dir=dsc'], bad: ['fuzz_alg=x'] },
  '/search/label_values': { good: ['label=job&search[]=ow&fuzz_alg=jarowinkler'], bad: ['', 'label=job&start=x'] },
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

/** What Prometheus does not have, or does not describe in 3.1. */
const OWN_CASES: typeof CASES = {
  '/query': { good: ['query=m&explain=true', 'query=m&explain=only', 'query="x"'], bad: ['query=1&explain=x'] },
  '/query/active': { good: [''] },
  '/query/active/{id}': { good: [], bad: [''] },
  '/query/active/{id}/cancel': { good: [], bad: [''] },
  '/openapi.yaml': { good: ['', 'openapi_version=3.2'], bad: ['openapi_version=2'] },
  '/admin/tsdb/flush': { good: [''] },
};

/** Endpoints whose bodies are neither forms nor JSON have tests of their own. */
const LEFT_OUT = new Set('/write /read /otlp/v1/metrics /influxdb/write'.split(' '));

const CONFIG = `global:
  scrape_interval: 1s
  evaluation_interval: 1s
rule_files: [rules.yml]
alerting:
  alertmanagers: [{static_configs: [{targets: ['localhost:1']}]}]
scrape_configs:
  - job_name: own
    static_configs: [{targets: ['localhost:PORT', 'dropped:1']}]
    relabel_configs:
      - {source_labels: [__address__], regex: 'dropped.*', action: drop}
      - {source_labels: [__address__], target_label: shown, replacement: 'x-$1'}
`;

const RULES = `groups:
  - name: first
    rules:
      - {record: 'm:sum', expr: 'sum(m)'}
      - {alert: Always, expr: 'vector(1)', labels: {severity: page}, annotations: {summary: 'it is {{ $value }}'}}
  - name: second
    rules:
      - {record: 'bad', expr: 'm + on(nothing) group_left m'}
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
  program = await Program.start(null, { args: ['--web.enable-admin-api', '--enable-feature=search-api'] });
  const { writeFile } = await import('node:fs/promises');
  await writeFile(path.join(path.dirname(program.configFile), 'rules.yml'), RULES);
  await writeFile(program.configFile, CONFIG.replace('PORT', String(program.port)));
  program.signal('SIGHUP');
  const samples = Array.from({ length: 20 }, (_, i) => ({ timestampMs: (NOW_SECONDS - i * 15) * 1000, value: i }));
  const labels: [string, string][] = [
    ['__name__', 'm'],
    ['job', 'x'],
  ];
  const body = compressSnappy(encodeMessage(1, [{ labels, samples }]));
  assert.equal((await send(program, { path: '/api/v1/write', headers: writeHeaders(1), body })).status, 204);
  await until('rules have been evaluated', 20_000, async () =>
    (await send(program, { path: '/api/v1/alerts' })).text.includes('firing'),
  );
  await until('the program has scraped itself', 20_000, async () =>
    (await send(program, { path: '/api/v1/query?query=up' })).text.includes('"1"'),
  );
});

after(async () => {
  await program?.dispose();
});

const decodedPath = (pointer: string): string => pointer.replaceAll('~', '~0').replaceAll('/', '~1');

/** Of an answer of the search API: its examples in the description say how lines look. */
function linesProblem(what: string, text: string): string | null {
  const lines = text.split('\n');
  if (lines.pop() !== '') return `${what}: the last line has no end`;
  const [end, ...batches] = lines.map((line) => JSON.parse(line) as Record<string, unknown>).reverse();
  const isGood = batches.length > 0 && batches.every(({ results }) => Array.isArray(results));
  return isGood && end.status === 'success' && typeof end.has_more === 'boolean' ? null : `${what}: ${text}`;
}

/** One request, to an endpoint of a description. */
interface Case {
  readonly method: string;
  readonly endpoint: string;
  readonly parameters: string;
  readonly isGood: boolean;
}

/** What is wrong with an answer; null: it is as described. `name`: of the description in ajv. */
async function problem(name: string, paths: Description['paths'], one: Case): Promise<string | null> {
  const { method, endpoint, parameters, isGood } = one;
  const url = `/api/v1${endpoint.replace('{name}', 'job').replace('{id}', '123')}`;
  const isForm = method === 'post' && parameters !== '';
  const reply = await send(program, {
    method: method.toUpperCase(),
    path: isForm || parameters === '' ? url : `${url}?${parameters.replaceAll(' ', '%20')}`,
    ...(isForm && { headers: { 'content-type': 'application/x-www-form-urlencoded' }, body: parameters }),
  });
  const what = `${name}: ${method} ${endpoint} ${parameters}: ${reply.status}`;
  const { responses } = paths[endpoint][method];
  const isSuccess = reply.status >= 200 && reply.status <= 299;
  if (isSuccess !== isGood) return `${what} ${reply.text.slice(0, 200)}`;
  if (reply.status === 204) return endpoint.startsWith('/admin/') ? null : `${what}: no content`;
  const status = responses[String(reply.status)] ? String(reply.status) : 'default';
  const mediaType = String(reply.headers['content-type']).split(';')[0];
  if (!responses[status].content?.[mediaType]) return `${what}: ${mediaType} is not described`;
  if (mediaType === NDJSON) return linesProblem(what, reply.text);
  if (mediaType !== JSON_TYPE) return null;
  const pointer = `/paths/${decodedPath(endpoint)}/${method}/responses/${status}/content/${decodedPath(mediaType)}/schema`;
  const validate = ajv.getSchema(`${name}#${pointer}`) ?? assert.fail(`no schema at ${pointer}`);
  if (validate(JSON.parse(reply.text))) return null;
  return `${what}: ${ajv.errorsText(validate.errors).slice(0, 400)} in ${reply.text.slice(0, 300)}`;
}

function* casesOf({ paths }: Description, known: typeof CASES): Generator<Case> {
  for (const [endpoint, { good, bad = [] }] of Object.entries(known)) {
    for (const method of Object.keys(paths[endpoint])) {
      for (const parameters of good) yield { method, endpoint, parameters, isGood: true };
      for (const parameters of bad) yield { method, endpoint, parameters, isGood: false };
    }
  }
}

async function problems(name: string, of: Description, known: typeof CASES, t: TestContext): Promise<string[]> {
  const found: string[] = [];
  let count = 0;
  for (const one of casesOf(of, known)) {
    count++;
    const text = await problem(name, of.paths, one);
    if (text !== null) found.push(text);
  }
  t.diagnostic(`${count} answers`);
  return found;
}

const notAsked = ({ paths }: Description, known: typeof CASES): string[] =>
  Object.keys(paths).filter((endpoint) => !known[endpoint] && !LEFT_OUT.has(endpoint));

test('every described endpoint is asked here or left out with a reason', { skip }, () => {
  assert.deepEqual(notAsked(description, CASES), []);
});

test('every answer has the described shape', { skip }, async (t) => {
  assert.deepEqual(await problems('api', description, CASES, t), []);
});

test('every answer is as our own description says', { skip }, async (t) => {
  const reply = await send(program, { path: '/api/v1/openapi.yaml' });
  const own = parse(reply.text) as Description;
  ajv.addSchema({ ...(own as object), $id: 'own' } as object, 'own');
  const known = { ...CASES, ...OWN_CASES };
  assert.deepEqual(notAsked(own, known), []);
  assert.deepEqual(await problems('own', own, known, t), []);
});
