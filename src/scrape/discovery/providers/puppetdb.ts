// PuppetDB: the resources that a query finds (https://www.puppet.com/docs/puppetdb/latest/api/query/v4/query).
import { TidemarkError } from '../../../base/index.ts';
import type { SdConfig } from '../../../config/index.ts';
import { formatG } from '../../../model/index.ts';
import type { Json } from '../json.ts';
import { joinHostPort, sanitizeLabelName } from '../labels.ts';
import {
  Api,
  type FetchGroups,
  type ProviderParts,
  jsonOf,
  oneGroup,
  prefixed,
  surrounded,
  trimSlash,
} from '../provider.ts';

type PuppetdbSdConfig = SdConfig<'puppetdbSdConfigs'>;

const JSON_TYPE = /^application\/json(?:;\s*charset=(?:"utf-8"|utf-8))?$/i;
/** Of parameters within parameters; deeper ones are left out. */
const DEPTH_MAX = 32;

/** A value that has a text of its own; '' for others. */
function scalarText(value: unknown): string {
  if (typeof value === 'string') return value;
  if (typeof value === 'boolean') return String(value);
  return typeof value === 'number' ? formatG(value) : '';
}

/** Parameters of a resource as labels; those of a parameter that has some of its own get its name before theirs. */
export function parameterLabels(parameters: object, depth = 0): Record<string, string> {
  const out: Record<string, string> = {};
  for (const [name, value] of Object.entries(parameters) as [string, unknown][]) {
    if (Array.isArray(value)) {
      if (value.length > 0) out[sanitizeLabelName(name)] = value.map(scalarText).join(',');
    } else if (typeof value === 'object' && value !== null) {
      if (depth === DEPTH_MAX) continue;
      Object.assign(out, prefixed(sanitizeLabelName(`${name}_`), parameterLabels(value, depth + 1)));
    } else {
      const text = scalarText(value);
      if (text !== '') out[sanitizeLabelName(name)] = text;
    }
  }
  return out;
}

function resourceTarget(resource: Json, config: PuppetdbSdConfig): Record<string, string> {
  const certname = resource.at('certname').text();
  const parameters = Object.fromEntries(
    resource
      .at('parameters')
      .entries()
      .map(([name, one]) => [name, one.value]),
  );
  return {
    __address__: joinHostPort(certname, config.port),
    ...prefixed('__meta_puppetdb_', {
      query: config.query,
      certname,
      resource: resource.at('resource').text(),
      type: resource.at('type').text(),
      title: resource.at('title').text(),
      exported: String(resource.at('exported').bool()),
      file: resource.at('file').text(),
      environment: resource.at('environment').text(),
      tags: surrounded(resource.at('tags').texts()),
      ...(config.includeParameters && prefixed('parameter_', parameterLabels(parameters))),
    }),
  };
}

export function puppetdbGroups(config: PuppetdbSdConfig, parts: ProviderParts): FetchGroups {
  const api = Api.of(config, parts);
  const url = `${trimSlash(config.url)}/pdb/query/v4`;
  const body = JSON.stringify({ query: config.query });
  const headers = { 'Content-Type': 'application/json' };
  return async (signal) => {
    const answer = await api.ask(url, { method: 'POST', headers, body, signal });
    const type = answer.headers['content-type'] ?? '';
    if (!JSON_TYPE.test(type.trim()))
      throw new TidemarkError('bad_discovery', `unsupported content type ${JSON.stringify(type)}`);
    return oneGroup(
      `${url}?query=${config.query}`,
      jsonOf(answer, url)
        .list()
        .map((resource) => resourceTarget(resource, config)),
    );
  };
}
