// From what discovery finds to the addresses that alerts are posted to, as Prometheus does it: labels, relabelling, URL.
import { TidemarkError } from '../base/index.ts';
import type { AlertmanagerConfig } from '../config/index.ts';
import { type Labels, LabelsBuilder, type NameScheme, compileRelabelRules, goQuote } from '../model/index.ts';

/** Targets with labels in common; scrape/'s target groups are such. */
export interface AlertmanagerGroup {
  /** One label set per target, at least `__address__`. */
  readonly targets: readonly Labels[];
  readonly labels: Labels;
}

/** What groups come to; every URL once. */
export interface AlertmanagerUrls {
  readonly active: readonly string[];
  /** Those that relabelling dropped, as they would have been. */
  readonly dropped: readonly string[];
  readonly errors: readonly string[];
}

const SCHEME = '__scheme__';
const ADDRESS = '__address__';
const PATH = '__alerts_path__';

/** `prefix` and the path of the API, with one slash between all parts. */
function alertsPath(prefix: string): string {
  const parts = `${prefix}/api/v2/alerts`.split('/').filter((part) => part !== '' && part !== '.');
  return `/${parts.join('/')}`;
}

function urlOf(builder: LabelsBuilder): string {
  const path = builder.get(PATH);
  return `${builder.get(SCHEME)}://${builder.get(ADDRESS)}${path.startsWith('/') || path === '' ? '' : '/'}${path}`;
}

function startLabels(config: AlertmanagerConfig, group: AlertmanagerGroup, own: Labels): LabelsBuilder {
  const builder = new LabelsBuilder(own);
  // The settings are set before the group's labels, which do not override what the target has.
  builder.set(PATH, alertsPath(config.pathPrefix));
  builder.set(SCHEME, config.scheme);
  for (const [name, value] of group.labels) if (builder.get(name) === '') builder.set(name, value);
  return builder;
}

function checkAddress(address: string): void {
  if (address === '') throw new TidemarkError('bad_target', 'no address');
  if (address.includes('/')) throw new TidemarkError('bad_target', `${goQuote(address)} is not a valid hostname`);
}

/** The URLs of one entry of `alertmanagers`. */
export function alertmanagerUrls(
  config: AlertmanagerConfig,
  groups: readonly AlertmanagerGroup[],
  scheme: NameScheme,
): AlertmanagerUrls {
  const relabel = compileRelabelRules(config.relabelConfigs, scheme);
  const active = new Set<string>();
  const dropped = new Set<string>();
  const errors: string[] = [];
  for (const group of groups) {
    for (const own of group.targets) {
      const builder = startLabels(config, group, own);
      const discovered = urlOf(builder);
      if (!relabel(builder)) {
        dropped.add(discovered);
        continue;
      }
      try {
        checkAddress(builder.get(ADDRESS));
        active.add(urlOf(builder));
      } catch (error) {
        if (!(error instanceof TidemarkError)) throw error;
        errors.push(error.message);
      }
    }
  }
  return { active: [...active], dropped: [...dropped], errors };
}
