// The description of the API as OpenAPI 3.1 or 3.2, made from openapi-operations.ts and openapi-schemas.ts.
import { stringify } from 'yaml';
import { type DescribedAnswer, type DescribedParameter, OPERATIONS, type Operation } from './openapi-operations.ts';
import { SCHEMAS, type Schema, named } from './openapi-schemas.ts';

export type OpenApiVersion = '3.1' | '3.2';

const FULL_VERSION: Readonly<Record<OpenApiVersion, string>> = { '3.1': '3.1.0', '3.2': '3.2.0' };
const TAGS: Readonly<Record<string, string>> = {
  query: 'Expressions.',
  names: 'Series, labels and their values.',
  targets: 'What is scraped.',
  rules: 'Rules and alerts.',
  status: 'The server.',
  admin: 'Changes to what is stored (--web.enable-admin-api).',
  push: 'Ways in, and remote read.',
};

type Described = Readonly<Record<string, unknown>>;

const isRequired = (name: string): boolean => name.endsWith('!');
const plain = (name: string): string => name.replace(/!$/, '');

const queryParameter = ([name, { schema, about }]: [string, DescribedParameter]): Described => ({
  name: plain(name),
  in: 'query',
  description: about,
  required: isRequired(name),
  ...(schema.type === 'array' && { explode: true }),
  schema,
});

const pathParameters = (path: string): Described[] =>
  Array.from(path.matchAll(/\{(\w+)\}/g), ([, name]) => ({
    name,
    in: 'path',
    required: true,
    schema: { type: 'string' },
  }));

function formBody(parameters: Readonly<Record<string, DescribedParameter>>): Described {
  const names = Object.keys(parameters);
  const properties = names.map((name) => [
    plain(name),
    { ...parameters[name].schema, description: parameters[name].about },
  ]);
  const required = names.filter(isRequired).map(plain);
  const schema = {
    type: 'object',
    properties: Object.fromEntries(properties) as Described,
    ...(required.length > 0 && { required }),
  };
  return { content: { 'application/x-www-form-urlencoded': { schema } } };
}

const otherBody = (bodies: readonly string[]): Described => ({
  required: true,
  content: Object.fromEntries(bodies.map((type) => [type, { schema: { type: 'string', format: 'binary' } }])),
});

function answerOf(answer: DescribedAnswer): Described {
  if (answer === null) return { '204': { description: 'Done.' } };
  if (typeof answer === 'string')
    return { '200': { description: 'Success.', content: { 'application/json': { schema: named(answer) } } } };
  const { mediaType, about, item } = answer;
  const media = item ? { itemSchema: eventOf(item) } : { schema: { type: 'string' } };
  return { '200': { description: about, content: { [mediaType]: media } } };
}

const eventOf = (item: string): Schema => ({
  type: 'object',
  properties: {
    data: { type: 'string', contentMediaType: 'application/json', contentSchema: named(item) },
  },
  required: ['data'],
});

const operationId = (method: string, path: string): string =>
  `${method}-${path
    .replace(/[{}]/g, '')
    .replaceAll(/[^a-z0-9]+/gi, '-')
    .replace(/^-/, '')}`;

function operation(method: string, { path, tag, about, parameters = {}, answer, bodies }: Operation): Described {
  const isForm = method === 'post' && !bodies && Object.keys(parameters).length > 0;
  const inQuery = isForm ? [] : Object.entries(parameters).map(queryParameter);
  const all = [...pathParameters(path), ...inQuery];
  return {
    tags: [tag],
    summary: about,
    operationId: operationId(method, path),
    ...(all.length > 0 && { parameters: all }),
    ...(isForm && { requestBody: formBody(parameters) }),
    ...(bodies && { requestBody: otherBody(bodies) }),
    responses: {
      ...answerOf(answer),
      default: {
        description: 'Error.',
        content: { 'application/json': { schema: named('Error') }, 'text/plain': { schema: { type: 'string' } } },
      },
    },
  };
}

/** The description as plain data. `base`: the path in front of /api/v1. */
export function describeApi(version: OpenApiVersion, serverVersion: string, base: string): Described {
  const operations = OPERATIONS.filter(({ isNewer }) => version === '3.2' || !isNewer);
  const paths = operations.map((one) => [
    one.path,
    Object.fromEntries(one.methods.map((method) => [method, operation(method, one)])),
  ]);
  return {
    openapi: FULL_VERSION[version],
    info: {
      title: 'Tidemark API',
      description: 'The HTTP API of Prometheus, as Tidemark offers it.',
      version: serverVersion,
      license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
    },
    servers: [{ url: `${base}/api/v1` }],
    tags: Object.entries(TAGS).map(([name, description]) => ({ name, description })),
    paths: Object.fromEntries(paths) as Described,
    components: { schemas: SCHEMAS },
  };
}

/** The same as YAML. */
export const describeApiYaml = (version: OpenApiVersion, serverVersion: string, base: string): string =>
  stringify(describeApi(version, serverVersion, base), { aliasDuplicateObjects: false, lineWidth: 0 });
