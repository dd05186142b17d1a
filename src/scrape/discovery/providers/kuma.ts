// Kuma: the data planes of a mesh, from its monitoring assignment service (https://kuma.io/docs/latest/policies/meshmetric),
// which speaks xDS over HTTP and JSON. The server holds a request back until there is news; 304 is none.
import { hostname } from 'node:os';
import { TidemarkError } from '../../../base/index.ts';
import { type SdConfig, formatDuration } from '../../../config/index.ts';
import type { TargetGroup } from '../discoverer.ts';
import type { Json } from '../json.ts';
import { sanitizeLabelName } from '../labels.ts';
import { Api, type FetchGroups, type ProviderParts, jsonOf, oneGroup, trimSlash, withQuery } from '../provider.ts';

type KumaSdConfig = SdConfig<'kumaSdConfigs'>;

const ASSIGNMENT_TYPE = 'type.googleapis.com/kuma.observability.v1.MonitoringAssignment';
/** On top of what the server may take to answer. */
const OVERHEAD_MS = 15_000;

/** A field under its name of JSON or of the protocol: servers may send either. */
const either = (json: Json, camel: string, snake: string): Json =>
  json.at(camel).isNull ? json.at(snake) : json.at(camel);

const userLabels = (labels: Json): Record<string, string> =>
  Object.fromEntries(
    labels.entries().map(([name, value]) => [`__meta_kuma_label_${sanitizeLabelName(name)}`, value.text()]),
  );

/** The targets of one assignment; its labels win over theirs. */
function assignmentTargets(assignment: Json): Record<string, string>[] {
  return assignment
    .at('targets')
    .list()
    .map((target) => ({
      ...userLabels(target.at('labels')),
      ...userLabels(assignment.at('labels')),
      __meta_kuma_mesh: assignment.at('mesh').text(),
      __meta_kuma_service: assignment.at('service').text(),
      __meta_kuma_dataplane: target.at('name').text(),
      __address__: target.at('address').text(),
      instance: target.at('name').text(),
      __scheme__: target.at('scheme').text(),
      __metrics_path__: either(target, 'metricsPath', 'metrics_path').text(),
    }));
}

function assignmentsOf(answer: Json): Json[] {
  const type = either(answer, 'typeUrl', 'type_url').text();
  if (type !== ASSIGNMENT_TYPE)
    throw new TidemarkError('bad_discovery', `received invalid typeURL for Kuma MADS v1 Resource: ${type}`);
  const resources = answer.at('resources').list();
  for (const resource of resources) {
    const own = resource.at('@type').text();
    if (own !== ASSIGNMENT_TYPE)
      throw new TidemarkError(
        'bad_discovery',
        `cannot read ${resource.path}: want @type ${ASSIGNMENT_TYPE}; got ${own}`,
      );
  }
  return resources;
}

class KumaAssignments {
  readonly #api: Api;
  readonly #url: string;
  readonly #nodeId: string;
  readonly #count: (what: 'failures' | 'skipped_updates') => void;
  #version = '';
  #nonce = '';
  #last: readonly TargetGroup[] = [];

  constructor(config: KumaSdConfig, parts: ProviderParts) {
    const { fetchTimeoutMs, followRedirects } = config;
    this.#api = new Api(parts, { timeoutMs: fetchTimeoutMs + OVERHEAD_MS, followRedirects });
    const path = `${trimSlash(config.server)}/v3/discovery:monitoringassignments`;
    this.#url = withQuery(path, { 'fetch-timeout': formatDuration(fetchTimeoutMs) });
    this.#nodeId = config.clientId || hostname() || 'prometheus';
    const help = { failures: 'fetch failures', skipped_updates: 'fetches that found no news' };
    this.#count = (what) =>
      parts.metrics?.counter(`prometheus_sd_kuma_fetch_${what}_total`, `The number of Kuma MADS ${help[what]}.`).inc();
  }

  async groups(signal: AbortSignal): Promise<readonly TargetGroup[]> {
    try {
      this.#last = (await this.#fetch(signal)) ?? this.#last;
    } catch (error) {
      if (error instanceof TidemarkError) this.#count('failures');
      throw error;
    }
    return this.#last;
  }

  /** Null: there is no news. */
  async #fetch(signal: AbortSignal): Promise<TargetGroup[] | null> {
    const body = JSON.stringify({
      ...(this.#version !== '' && { version_info: this.#version }),
      ...(this.#nonce !== '' && { response_nonce: this.#nonce }),
      node: { id: this.#nodeId },
      type_url: ASSIGNMENT_TYPE,
    });
    const headers = { 'Content-Type': 'application/json' };
    const answer = await this.#api.ask(this.#url, { method: 'POST', headers, body, signal, alsoGood: [304] });
    if (answer.status === 304) {
      this.#count('skipped_updates');
      return null;
    }
    const json = jsonOf(answer, this.#url);
    const groups = oneGroup('kuma', assignmentsOf(json).flatMap(assignmentTargets));
    // Only what was understood is acknowledged: otherwise the server would not send it again.
    this.#version = either(json, 'versionInfo', 'version_info').text();
    this.#nonce = json.at('nonce').text();
    return groups;
  }
}

export function kumaGroups(config: KumaSdConfig, parts: ProviderParts): FetchGroups {
  const assignments = new KumaAssignments(config, parts);
  return (signal) => assignments.groups(signal);
}
