// What a configuration asks for and this program does not do: named, never passed over in silence.
import { type Config, allScrapeConfigs } from './config.ts';
import type { HttpClientConfig } from './http-client.ts';
import type { RemoteWriteConfig } from './remote-config.ts';
import type { ScrapeConfig } from './scrape-config.ts';
import { yamlName } from './schema.ts';
import { otherSdFields } from './sd-other.ts';
import { GOGC_DEFAULT } from './server-config.ts';

/** A part of the configuration that has no effect, and why. */
export interface Unsupported {
  readonly path: string;
  readonly text: string;
}

/** Sections that a program may or may not run. */
export type Feature = 'alerting' | 'rule_files' | 'remote_write' | 'remote_read' | 'tracing' | 'otlp' | 'exemplars';

const notYet = (path: string): Unsupported => ({ path, text: `${path} is not supported yet and has no effect` });

function discoveries(holder: object, path: string): Unsupported[] {
  return Object.keys(otherSdFields).flatMap((key) => {
    const configs = (holder as Record<string, unknown[]>)[key];
    return configs.length > 0 ? [notYet(`${path}.${yamlName(key)}`)] : [];
  });
}

/** HTTP client options that the client of this program lacks. */
function clientParts(client: HttpClientConfig, path: string): Unsupported[] {
  const { basicAuth, authorization, oauth2, tlsConfig } = client;
  const refs: Record<string, string | undefined> = {
    'basic_auth.username_ref': basicAuth?.usernameRef,
    'basic_auth.password_ref': basicAuth?.passwordRef,
    'authorization.credentials_ref': authorization?.credentialsRef,
    'oauth2.client_secret_ref': oauth2?.clientSecretRef,
    'oauth2.client_certificate_key_ref': oauth2?.clientCertificateKeyRef,
    'tls_config.ca_ref': tlsConfig.caRef,
    'tls_config.cert_ref': tlsConfig.certRef,
    'tls_config.key_ref': tlsConfig.keyRef,
  };
  const used = Object.keys(refs).filter((name) => refs[name]);
  return used.map((name) => notYet(`${path}.${name}`));
}

function jobParts(job: ScrapeConfig): Unsupported[] {
  const path = `scrape_configs[job_name=${job.jobName}]`;
  const sd = job.httpSdConfigs.flatMap((config, i) => clientParts(config, `${path}.http_sd_configs[${i}]`));
  return [...clientParts(job, path), ...sd, ...discoveries(job, path)];
}

function remoteWriteParts(config: RemoteWriteConfig, i: number): Unsupported[] {
  const path = `remote_write[${i}]`;
  const parts = { sigv4: config.sigv4, azuread: config.azuread, google_iam: config.googleIam };
  const used = Object.entries(parts).flatMap(([name, part]) => (part ? [name] : []));
  if (config.sendExemplars) used.push('send_exemplars');
  return [...clientParts(config, path), ...used.map((name) => notYet(`${path}.${name}`))];
}

function storageParts({ storage }: Config, runs: ReadonlySet<Feature>): Unsupported[] {
  const out: Unsupported[] = [];
  const say = (path: string, why: string) => out.push({ path, text: `${path} has no effect: ${why}` });
  const { tsdb } = storage;
  if (tsdb?.outOfOrderTimeWindowMs)
    say('storage.tsdb.out_of_order_time_window', 'samples of any age within retention are accepted in any order');
  if (tsdb?.staleSeriesCompactionThreshold)
    say('storage.tsdb.stale_series_compaction_threshold', 'it has no effect: the head has no such threshold');
  if (tsdb?.chunkEncoding?.floats)
    say('storage.tsdb.chunk_encoding.floats', 'the smallest exact encoding is chosen per vector');
  if (storage.exemplars && !runs.has('exemplars')) out.push(notYet('storage.exemplars'));
  return out;
}

/** Parts of a configuration that have no effect in a program that runs the given features besides scraping. */
export function unsupported(config: Config, runs: ReadonlySet<Feature> = new Set()): Unsupported[] {
  const used: Record<Feature, boolean> = {
    alerting: config.alerting.alertmanagers.length > 0 || config.alerting.alertRelabelConfigs.length > 0,
    rule_files: config.ruleFiles.length > 0,
    remote_write: config.remoteWrite.length > 0,
    remote_read: config.remoteRead.length > 0,
    tracing: config.tracing.endpoint !== '',
    otlp: false,
    exemplars: false,
  };
  const out: Unsupported[] = [];
  if (config.runtime.gogc !== GOGC_DEFAULT)
    out.push({ path: 'runtime.gogc', text: 'runtime.gogc has no effect: there is no Go runtime here' });
  if (used.tracing && !runs.has('tracing'))
    out.push({
      path: 'tracing',
      text: 'tracing has no effect: spans of queries and requests are neither made nor sent',
    });
  for (const feature of Object.keys(used) as Feature[])
    if (used[feature] && feature !== 'tracing' && !runs.has(feature)) out.push(notYet(feature));
  out.push(...storageParts(config, runs));
  if (runs.has('remote_write')) out.push(...config.remoteWrite.flatMap(remoteWriteParts));
  if (runs.has('remote_read'))
    out.push(...config.remoteRead.flatMap((read, i) => clientParts(read, `remote_read[${i}]`)));
  for (const job of allScrapeConfigs(config)) out.push(...jobParts(job));
  for (const [i, manager] of config.alerting.alertmanagers.entries())
    if (runs.has('alerting')) out.push(...discoveries(manager, `alerting.alertmanagers[${i}]`));
  return out;
}
