// The files in which AWS' tools keep profiles: `~/.aws/credentials` and `~/.aws/config`, in INI format.
import { utf8Text } from '../base/index.ts';
import type { TokenWorld } from './access-token.ts';
import { hasCode } from './file-error.ts';

/** The fields of a profile, in small letters. */
export type AwsProfile = Readonly<Record<string, string>>;

/** Sections by name; later ones of a name add to earlier ones. */
export function parseIni(text: string): Map<string, AwsProfile> {
  const sections = new Map<string, Record<string, string>>();
  let current: Record<string, string> | null = null;
  for (const line of text.split(/\r?\n/)) {
    if (/^\s*(?:[#;].*)?$/.test(line)) continue;
    const head = /^\s*\[\s*([^\]]+?)\s*\]/.exec(line);
    if (head) {
      current = sections.get(head[1]) ?? {};
      sections.set(head[1], current);
      continue;
    }
    const pair = /^([^\s=][^=]*?)\s*=\s*(.*?)\s*$/.exec(line);
    if (pair && current) current[pair[1].toLowerCase()] = pair[2];
  }
  return sections;
}

/** What both files say of a profile; the credentials file wins. Empty if there is no such profile. */
export async function readProfile(name: string, world: TokenWorld): Promise<AwsProfile> {
  const { environment } = world;
  const home = environment.HOME || environment.USERPROFILE || '';
  const configFile = environment.AWS_CONFIG_FILE || `${home}/.aws/config`;
  const credentialsFile = environment.AWS_SHARED_CREDENTIALS_FILE || `${home}/.aws/credentials`;
  const fromConfig = await readIni(configFile, world);
  const fromCredentials = await readIni(credentialsFile, world);
  const section = fromConfig.get(`profile ${name}`) ?? (name === 'default' ? fromConfig.get(name) : undefined);
  return { ...section, ...fromCredentials.get(name) };
}

async function readIni(file: string, { readFile }: TokenWorld): Promise<Map<string, AwsProfile>> {
  try {
    return parseIni(utf8Text(await readFile(file)));
  } catch (error) {
    if (hasCode(error, 'not_found')) return new Map();
    throw error;
  }
}
