// Names looked up in the DNS as the machine's resolv.conf says: its servers, its search list, and `ndots`. Node's resolver asks
// the servers; the search list is ours, since Node leaves it out for queries by record type.
import { Resolver } from 'node:dns/promises';
import fs from 'node:fs';
import { TidemarkError, errorText } from '../base/index.ts';
import type { DnsRecord, DnsResolver, DnsType } from './ports.ts';

const TIMEOUT_MS = 2000;
const TRIES = 2;
const RESOLV_CONF = '/etc/resolv.conf';
const NDOTS_DEFAULT = 1;
const NDOTS_MAX = 15;

/** Where and what to ask; absent parts are those of the machine. */
export interface DnsOptions {
  /** `address` or `address:port`. */
  readonly servers?: readonly string[];
  /** Text in the format of resolv.conf, for its search list. */
  readonly resolvConf?: string;
}

interface SearchRules {
  readonly domains: readonly string[];
  readonly dotCountMin: number;
}

/** `search`, `domain` and `options ndots:n` of a resolv.conf; of the first two the last line counts. */
export function searchRules(text: string): SearchRules {
  let domains: string[] = [];
  let dotCountMin = NDOTS_DEFAULT;
  for (const line of text.split('\n')) {
    const [keyword, ...words] = line.trim().split(/\s+/);
    if (keyword === 'search') domains = words;
    if (keyword === 'domain') domains = words.slice(0, 1);
    if (keyword !== 'options') continue;
    for (const word of words) {
      const ndots = /^ndots:(\d+)$/.exec(word);
      if (ndots) dotCountMin = Math.min(Number(ndots[1]), NDOTS_MAX);
    }
  }
  return { domains, dotCountMin };
}

/** The names to ask for, in turn; none ends with a dot. */
export function searchNames(name: string, { domains, dotCountMin }: SearchRules): string[] {
  if (name.endsWith('.')) return [name.slice(0, -1)];
  const searched = domains.map((domain) => `${name}.${domain.replace(/\.$/, '')}`);
  const dotCount = name.split('.').length - 1;
  return dotCount >= dotCountMin ? [name, ...searched] : [...searched, name];
}

const codeOf = (error: unknown): string => String((error as { code?: unknown }).code ?? '');

export class RealDns implements DnsResolver {
  readonly #options: DnsOptions;

  constructor(options: DnsOptions) {
    this.#options = options;
  }

  async resolve(name: string, type: DnsType, signal?: AbortSignal): Promise<DnsRecord[]> {
    const resolver = new Resolver({ timeout: TIMEOUT_MS, tries: TRIES });
    if (this.#options.servers) resolver.setServers(this.#options.servers);
    const cancel = (): void => resolver.cancel();
    signal?.addEventListener('abort', cancel, { once: true });
    try {
      return await this.#search(resolver, name, type, signal);
    } finally {
      signal?.removeEventListener('abort', cancel);
    }
  }

  async #search(
    resolver: Resolver,
    name: string,
    type: DnsType,
    signal: AbortSignal | undefined,
  ): Promise<DnsRecord[]> {
    let failure: unknown;
    for (const one of searchNames(name, searchRules(this.#resolvConf()))) {
      signal?.throwIfAborted();
      try {
        return await ask(resolver, one, type);
      } catch (error) {
        signal?.throwIfAborted();
        if (codeOf(error) === 'ENODATA') return []; // the name is there, without records of the type
        if (codeOf(error) !== 'ENOTFOUND') failure = error;
      }
    }
    if (failure === undefined) return [];
    throw new TidemarkError('dns_failed', `cannot resolve ${type} of ${name}: ${errorText(failure)}`, {
      cause: failure,
    });
  }

  #resolvConf(): string {
    const { resolvConf } = this.#options;
    if (resolvConf !== undefined) return resolvConf;
    try {
      return fs.readFileSync(RESOLV_CONF, 'utf8');
    } catch {
      return ''; // not every system has one; the resolver knows the servers from elsewhere then
    }
  }
}

async function ask(resolver: Resolver, name: string, type: DnsType): Promise<DnsRecord[]> {
  const plain = (target: string): DnsRecord => ({ target, port: 0 });
  switch (type) {
    case 'A':
      return (await resolver.resolve4(name)).map(plain);
    case 'AAAA':
      return (await resolver.resolve6(name)).map(plain);
    case 'MX':
      return (await resolver.resolveMx(name)).map(({ exchange }) => plain(exchange));
    case 'NS':
      return (await resolver.resolveNs(name)).map(plain);
    case 'SRV':
      return (await resolver.resolveSrv(name)).map((record) => ({ target: record.name, port: record.port }));
  }
}
