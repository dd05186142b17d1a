// Where targets come from: static lists, files, HTTP endpoints. The other mechanisms are in sd-*.ts.
import { goQuote } from '../model/index.ts';
import { checkHttpClient, httpClientFields } from './http-client.ts';
import { duration, path, text, url } from './scalars.ts';
import { type Infer, type Place, type Type, kept, list, mapOf, struct, withDefault } from './schema.ts';

/** Label names of target groups: any well-formed text that is not empty. */
const labelMap: Type<Record<string, string>> = {
  ...mapOf(text),
  decode(node, at) {
    const out = mapOf(text).decode(node, at);
    for (const name of Object.keys(out)) {
      if (name === '' || !name.isWellFormed()) at.at(name).fail(`${goQuote(name)} is not a valid label name`);
    }
    return out;
  },
};

export const labelSet: Type<Record<string, string>> = labelMap;

export const staticConfig = struct({ targets: kept(list(text)), labels: labelSet });
/** A list of targets with labels in common. */
export type StaticConfig = Infer<typeof staticConfig>;

const FILE_SD_PATH = /^[^*]*(?:\*[^/]*)?\.(?:json|yml|yaml|JSON|YML|YAML)$/;

export const fileSdConfig = struct(
  { files: kept(list(path)), refreshIntervalMs: withDefault(duration, 300_000) },
  (sd, at) => {
    if (sd.files.length === 0) at.fail('file service discovery config must contain at least one path name');
    for (const file of sd.files) {
      if (!FILE_SD_PATH.test(file)) at.at('files').fail(`path name ${goQuote(file)} is not valid for file discovery`);
    }
  },
);
/** One entry of `file_sd_configs`: file patterns and the interval in ms to read them again. */
export type FileSdConfig = Infer<typeof fileSdConfig>;

/** Refuses what is no http or https URL with a host. */
export function checkHttpUrl(value: string, at: Place): void {
  if (value === '') at.fail('URL is missing');
  if (!/^https?:/i.test(value)) at.fail("URL scheme must be 'http' or 'https'");
  if (!/^https?:\/\/(?:[^/?#]*@)?[^/?#@]+/i.test(value)) at.fail('host is missing in URL');
}

export const httpSdConfig = struct(
  { ...httpClientFields, refreshIntervalMs: withDefault(duration, 60_000), url: kept(url) },
  (sd, at) => {
    checkHttpUrl(sd.url, at.at('url'));
    checkHttpClient(sd, at);
  },
);
/** One entry of `http_sd_configs`: a URL that lists target groups, and the client to ask it with. */
export type HttpSdConfig = Infer<typeof httpSdConfig>;

/** The discovery fields of a scrape or Alertmanager configuration that run here. */
export const basicSdFields = {
  staticConfigs: list(staticConfig, 'empty or null section in static_configs'),
  fileSdConfigs: list(fileSdConfig, 'empty or null section in file_sd_configs'),
  httpSdConfigs: list(httpSdConfig, 'empty or null section in http_sd_configs'),
};

/** Refuses URLs where a host is wanted. */
export function checkStaticTargets(configs: readonly StaticConfig[], at: Place): void {
  for (const { targets } of configs) {
    for (const target of targets) {
      if (target.includes('/')) at.at('static_configs').fail(`${goQuote(target)} is not a valid hostname`);
    }
  }
}
