// `alerting`: the Alertmanagers that alerts go to, and relabelling on the way.
import type { NameScheme } from '../model/index.ts';
import { checkHttpClient, httpClientFields } from './http-client.ts';
import { checkRelabelRules, relabelRules } from './relabel-config.ts';
import { sigv4 } from './remote-config.ts';
import { duration, oneOf, text } from './scalars.ts';
import { type Infer, type Source, kept, list, optional, struct, withDefault } from './schema.ts';
import { otherSdFields } from './sd-other.ts';
import { basicSdFields, checkStaticTargets } from './service-discovery.ts';

const apiVersion = oneOf(['v2'], (value) => `expected Alertmanager api version to be one of [v2] but got ${value}`);

export const alertmanager = struct(
  {
    ...httpClientFields,
    sigv4: optional(sigv4),
    scheme: withDefault(text, 'http'),
    pathPrefix: text,
    timeoutMs: withDefault(duration, 10_000),
    apiVersion: kept(apiVersion, 'v2'),
    relabelConfigs: relabelRules('Alertmanager target relabeling rule'),
    alertRelabelConfigs: relabelRules('Alertmanager alert relabeling rule'),
    ...basicSdFields,
    ...otherSdFields,
  },
  (config, at) => {
    checkHttpClient(config, at);
    if (config.sigv4 && (config.basicAuth || config.authorization || config.oauth2))
      at.fail('at most one of basic_auth, authorization, oauth2, & sigv4 must be configured');
    if (config.relabelConfigs.length === 0) checkStaticTargets(config.staticConfigs, at);
  },
);
/** One entry of `alertmanagers`: how its peers are found, reached and spoken to. */
export type AlertmanagerConfig = Infer<typeof alertmanager>;

export const alerting = struct({
  alertRelabelConfigs: relabelRules('alert relabeling rule'),
  alertmanagers: list(alertmanager, 'empty or null Alertmanager config section'),
});
/** The `alerting` section: relabelling of alerts and where they go. */
export type AlertingConfig = Infer<typeof alerting>;

/** Checks the rules once the naming scheme is known. */
export function checkAlerting(config: AlertingConfig, scheme: NameScheme, source: Source): void {
  checkRelabelRules(config.alertRelabelConfigs, scheme, source);
  for (const manager of config.alertmanagers) {
    checkRelabelRules(manager.alertRelabelConfigs, scheme, source);
    checkRelabelRules(manager.relabelConfigs, scheme, source);
  }
}
