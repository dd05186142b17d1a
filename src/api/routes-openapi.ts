// GET /api/v1/openapi.yaml: the description of the API, in the OpenAPI version that is asked for.
import { TidemarkError } from '../base/index.ts';
import { goQuote } from '../model/index.ts';
import type { Answer, Route } from './exchange.ts';
import { type OpenApiVersion, describeApiYaml } from './openapi.ts';
import { parameter } from './parameters.ts';
import type { ApiServices } from './services.ts';

const VERSIONS: readonly OpenApiVersion[] = ['3.1', '3.2'];

function versionOf(text: string): OpenApiVersion {
  const found = VERSIONS.find((version) => version === (text === '' ? VERSIONS[0] : text.replace(/\.0$/, '')));
  if (found) return found;
  throw new TidemarkError('bad_data', `want one of ${VERSIONS.join(', ')}; got ${goQuote(text)}`);
}

/** The route of the description. */
export function openApiRoutes({ status }: ApiServices, routePrefix: string): Route[] {
  const made = new Map<OpenApiVersion, string>();
  return [
    {
      path: '/api/v1/openapi.yaml',
      methods: ['GET'],
      always: true,
      handle: async (exchange): Promise<Answer> => {
        const version = parameter(await exchange.parameters(), 'openapi_version', versionOf);
        const body = made.get(version) ?? describeApiYaml(version, status.buildInfo().version, routePrefix);
        made.set(version, body);
        return { status: 200, contentType: 'application/yaml; charset=utf-8', body };
      },
    },
  ];
}
