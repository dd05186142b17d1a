// What a configuration asks for and this program does not do: named, never passed over in silence.
import { type Config, allScrapeConfigs } from './config.ts';
import type { HttpClientConfig } from './http-client.ts';
import type { ScrapeConfig } from './scrape-config.ts';
import { yamlName } from './schema.ts';
import { type SdConfig, type SdKind, otherSdFields } from './sd-other.ts';
import { GOGC_DEFAULT } from './server-config.ts';

/** A part of the configuration that has no effect, and why. */
export interface Unsupported {
  readonly path: string;
  readonly text: string;
}

type Section = 'alerting' | 'rule_files' | 'remote_write' | 'remote_read' | 'tracing' | 'otlp' | 'exemplars';
/** Sections and discovery mechanisms that a program may or may not run. */
export type Feature = Section | SdKind;
type Runs = ReadonlySet<Feature>;

const notYet = (path: string): Unsupported => ({ path, text: `${path} is not supported yet and has no effect` });

function discoveries(holder: object, path: string, runs: Runs): Unsupported[] {
  return (Object.keys(otherSdFields) as SdKind[]).flatMap((key) => {
    const configs = (holder as Record<string, unknown[]>)[key];
    return configs.length > 0 && !runs.has(key) ? [notYet(`${path}.${yamlName(key)}`)] : [];
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
  return used.map((name) => ({
    path: `${path}.${name}`,
    text: `${path}.${name} has no effect: there is no secret store to look it up in`,
  }));
}

/** What the entries of discovery mechanisms that run ask of their clients, and of ways to authenticate. */
function discoveryParts(holder: object, path: string, runs: Runs): Unsupported[] {
  const running = (Object.keys(otherSdFields) as SdKind[]).filter((key) => runs.has(key));
  return running.flatMap((key) => {
    const configs = (holder as Record<SdKind, Partial<HttpClientConfig>[]>)[key];
    return configs.flatMap((config, i) => {
      const at = `${path}.${yamlName(key)}[${i}]`;
      const client = 'followRedirects' in config ? clientParts(config as HttpClientConfig, at) : [];
      return [...client, ...(key === 'ociSdConfigs' ? ociParts(config as SdConfig<'ociSdConfigs'>, at) : [])];
    });
  });
}

const OCI_AUTHS: readonly string[] = ['', 'api_key', 'resource_principal'];

const ociParts = ({ auth }: SdConfig<'ociSdConfigs'>, path: string): Unsupported[] =>
  OCI_AUTHS.includes(auth)
    ? []
    : [{ path: `${path}.auth`, text: `${path}.auth ${auth} is not supported yet: no targets are found` }];

function jobParts(job: ScrapeConfig, runs: Runs): Unsupported[] {
  const path = `scrape_configs[job_name=${job.jobName}]`;
  const sd = job.httpSdConfigs.flatMap((config, i) => clientParts(config, `${path}.http_sd_configs[${i}]`));
  return [...clientParts(job, path), ...sd, ...discoveries(job, path, runs), ...discoveryParts(job, path, runs)];
}

function storageParts({ storage }: Config, runs: Runs): Unsupported[] {
  const out: Unsupported[] = [];
  const say = (path: string, why: string) => out.push({ path, text: `${path} has no effect: ${why}` });
  const { tsdb } = storage;
  if (tsdb?.outOfOrderTimeWindowMs)
    say('storage.tsdb.out_of_order_time_window', 'samples of any age within retention are accepted in any order');
  if (tsdb?.staleSeriesCompactionThreshold)
    say('storage.tsdb.stale_series_compaction_threshold', 'it has no effect: the head has no such threshold');
  if (tsdb?.chunkEncoding?.floats)
    say('storage.tsdb.chunk_encoding.floats', 'the smallest exact encoding is chosen per vector');
  if (storage.exemplars && !runs.has('exemplars'))
    say('storage.exemplars', 'exemplars are kept with --enable-feature=exemplar-storage only');
  return out;
}

/** Parts of a configuration that have no effect in a program that runs the given features besides scraping. */
export function unsupported(config: Config, runs: Runs = new Set()): Unsupported[] {
  const used: Record<Section, boolean> = {
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
  for (const feature of Object.keys(used) as Section[])
    if (used[feature] && feature !== 'tracing' && !runs.has(feature)) out.push(notYet(feature));
  out.push(...storageParts(config, runs));
  if (runs.has('remote_write'))
    out.push(...config.remoteWrite.flatMap((write, i) => clientParts(write, `remote_write[${i}]`)));
  if (runs.has('remote_read'))
    out.push(...config.remoteRead.flatMap((read, i) => clientParts(read, `remote_read[${i}]`)));
  for (const job of allScrapeConfigs(config)) out.push(...jobParts(job, runs));
  for (const [i, manager] of config.alerting.alertmanagers.entries())
    if (runs.has('alerting')) {
      const path = `alerting.alertmanagers[${i}]`;
      out.push(...discoveries(manager, path, runs), ...discoveryParts(manager, path, runs));
    }
  return out;
}
