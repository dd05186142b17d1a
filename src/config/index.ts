export { formatDuration, parseDuration } from './duration.ts';
export { formatSize, parseSize } from './size.ts';
export { Secret } from './secret.ts';
export type { Authorization, BasicAuth, HttpClientConfig, OAuth2, TlsConfig } from './http-client.ts';
export { type Kubeconfig, parseKubeconfig } from './kubeconfig.ts';
export { httpClientDefaults } from './http-client.ts';
export type { FileSdConfig, HttpSdConfig, StaticConfig } from './service-discovery.ts';
export type { SdConfig, SdConfigs, SdKind } from './sd-other.ts';
export {
  type EscapingScheme,
  SCRAPE_PROTOCOLS,
  type ScrapeConfig,
  type ScrapeProtocol,
  defaultScrapeProtocols,
} from './scrape-config.ts';
export type { GlobalConfig } from './global-config.ts';
export {
  type Config,
  type LoadOptions,
  type ParseOptions,
  allScrapeConfigs,
  expandEnv,
  loadConfig,
  parseConfig,
  parseHttpClientConfig,
  parseTargetGroups,
} from './config.ts';
export { printConfig, printScrapeConfig } from './print.ts';
export { type Feature, type Unsupported, unsupported } from './unsupported.ts';
export { type ListDirectory, globFiles } from './glob.ts';
export type { AlertingConfig, AlertmanagerConfig } from './alerting-config.ts';
export type { RemoteReadConfig, RemoteWriteConfig, Sigv4Config } from './remote-config.ts';
export { TENANT_LIMITS_DEFAULT, type TenantLimits, type TidemarkConfig, limitsOf } from './limits.ts';
export { EXEMPLAR_FEATURE, exemplarsMax } from './server-config.ts';
export type { OtlpConfig, RuntimeConfig, StorageConfig, TracingConfig } from './server-config.ts';
export { ANY_TENANT, type AccessRule, tokenProblem } from './access.ts';
export { configChanges } from './changes.ts';
export { type HostFiles, hostFiles } from './host-files.ts';
export {
  BAD_FLAGS_EXIT_CODE,
  FEATURES,
  type ParsedFlags,
  defaultFlags,
  effectiveRetention,
  enabledFeatures,
  flagTexts,
  flagsHelp,
  parseFlags,
} from './flags.ts';
export type { FlagName, FlagValues } from './flag-table.ts';
export { type ReadFile, credentialFiles, httpClientOptions, oauth2Options } from './http-options.ts';
export { type ClientAuth, type WebConfig, parseWebConfig } from './web-config.ts';
export { type ServerTls, serverTls, webTlsFiles } from './web-tls.ts';
