import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { parse } from 'yaml';
import { TidemarkError } from '../../src/base/index.ts';
import { describeApi } from '../../src/api/openapi.ts';
import { fakeServer, fakeServices } from './fake-services.ts';

interface Operation {
  readonly operationId: string;
  readonly tags: readonly string[];
  readonly parameters?: readonly { readonly name: string; readonly in: string }[];
  readonly responses: Readonly<Record<string, { readonly description: string }>>;
}
interface Description {
  readonly openapi: string;
  readonly tags: readonly { readonly name: string }[];
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  readonly components: { readonly schemas: Readonly<Record<string, object>> };
}

const VERSIONS = ['3.1', '3.2'] as const;
const describe = (version: '3.1' | '3.2') => describeApi(version, '1', '/x') as unknown as Description;

/** All values of a key, wherever it is. */
function* valuesOf(value: unknown, key: string): Generator<unknown> {
  if (value === null || typeof value !== 'object') return;
  for (const [name, inner] of Object.entries(value)) {
    if (name === key) yield inner;
    yield* valuesOf(inner, key);
  }
}

test('the description is sound: references lead somewhere, ids are unique, path parameters are described', () => {
  for (const version of VERSIONS) {
    const description = describe(version);
    assert.equal(description.openapi, `${version}.0`);
    for (const ref of valuesOf(description, '$ref'))
      assert.ok(description.components.schemas[String(ref).replace('#/components/schemas/', '')], String(ref));
    const operations = Object.entries(description.paths).flatMap(([path, methods]) =>
      Object.values(methods).map((operation) => ({ path, operation })),
    );
    const ids = operations.map(({ operation }) => operation.operationId);
    assert.deepEqual(ids, [...new Set(ids)]);
    const tags = description.tags.map(({ name }) => name);
    for (const { path, operation } of operations) {
      assert.ok(operation.tags.every((tag) => tags.includes(tag)));
      const inPath = (operation.parameters ?? []).filter((one) => one.in === 'path').map(({ name }) => name);
      assert.deepEqual(
        inPath,
        Array.from(path.matchAll(/\{(\w+)\}/g), (match) => match[1]),
        path,
      );
      assert.ok('default' in operation.responses && Object.keys(operation.responses).length === 2);
    }
  }
});

test('the schemas are schemas', () => {
  const ajv = new Ajv2020({ strict: false, validateFormats: false });
  ajv.addSchema({ ...(describe('3.2') as object), $id: 'api' }, 'api');
  for (const name of Object.keys(describe('3.2').components.schemas))
    assert.ok(ajv.getSchema(`api#/components/schemas/${name}`), name);
});

test('what is described is what is served, and the other way round', async () => {
  const influx = { push: () => Promise.reject(new TidemarkError('bad_data', 'no lines')) };
  const server = await fakeServer(fakeServices({ influx }));
  const { paths } = describe('3.2');
  for (const [path, methods] of Object.entries(paths)) {
    if (path === '/notifications/live') continue; // does not end
    const url = `/api/v1${path.replace(/\{\w+\}/, '1')}`;
    for (const method of ['get', 'post', 'put', 'delete', 'head'] as const) {
      const { statusCode } = await server.inject({ url, method: method.toUpperCase() as 'GET' });
      assert.equal(statusCode !== 405, method in methods, `${method} ${path}: ${statusCode}`);
    }
  }
  const served = server.paths.filter((path) => path.startsWith('/api/v1/')).map((path) => path.slice('/api/v1'.length));
  const described = new Set(Object.keys(paths).map((path) => path.replace(/\{(\w+)\}/, ':$1')));
  assert.deepEqual(
    served.filter((path) => !described.has(path)),
    [],
  );
});

test('the description is served in both versions', async () => {
  const server = await fakeServer(fakeServices(), { routePrefix: '/x' });
  const ask = (query: string) => server.inject({ url: `/x/api/v1/openapi.yaml${query}` });
  for (const [query, version] of [
    ['', '3.1'],
    ['?openapi_version=3.1', '3.1'],
    ['?openapi_version=3.2', '3.2'],
  ] as const) {
    const response = await ask(query);
    assert.equal(response.headers['content-type'], 'application/yaml; charset=utf-8');
    assert.deepEqual(parse(response.body), JSON.parse(JSON.stringify(describeApi(version, '3.14.0', '/x'))));
  }
  assert.equal((await ask('?openapi_version=2.0')).statusCode, 400);
});
