// Which proxy a request goes through, as Go's httpproxy decides it. `no_proxy` is a list, separated by commas, of what is
// reached directly: `*` is all; an address; a block of addresses in CIDR form; a name, which stands for the domains below it too;
// `.name`, which stands for these alone; each but a block with `:port` to mean that port only. This machine itself is
// always reached directly where such a list or the environment decides.
import { BlockList, isIP } from 'node:net';
import type { HttpClientOptions } from './ports.ts';

type IsDirect = (host: string, port: string) => boolean;

const family = (address: string): 'ipv4' | 'ipv6' => (isIP(address) === 6 ? 'ipv6' : 'ipv4');

function blockTest(entry: string): IsDirect | null {
  const [address, bits, ...rest] = entry.split('/');
  if (rest.length > 0 || isIP(address) === 0 || !/^\d{1,3}$/.test(bits)) return null;
  const block = new BlockList();
  try {
    block.addSubnet(address, Number(bits), family(address));
  } catch {
    return null; // more bits than an address has: it means nothing, as in Go
  }
  return (host) => isIP(host) !== 0 && block.check(host, family(host));
}

/** Name and port of an entry: `host`, `host:port`, `[::1]:port`, a bare address of either family. */
function splitPort(entry: string): { name: string; port: string } {
  if (isIP(entry) !== 0) return { name: entry, port: '' };
  const match = /^(?:\[([^\]]+)\]|([^:]*))(?::(\d+))?$/.exec(entry);
  return match ? { name: match[1] ?? match[2], port: match[3] ?? '' } : { name: entry, port: '' };
}

function entryTest(entry: string): IsDirect | null {
  if (entry === '*') return () => true;
  if (entry.includes('/')) return blockTest(entry);
  const { name, port } = splitPort(entry);
  const isPort = (other: string) => port === '' || port === other;
  if (isIP(name) !== 0) return (host, other) => host === name && isPort(other);
  const plain = name.replace(/^\*/, '');
  if (plain === '' || plain === '.') return null;
  const below = plain.startsWith('.') ? plain : `.${plain}`;
  const isSelfIncluded = !plain.startsWith('.');
  return (host, other) => isPort(other) && (host.endsWith(below) || (isSelfIncluded && host === plain));
}

const loopback = new BlockList();
loopback.addSubnet('127.0.0.0', 8);
loopback.addAddress('::1', 'ipv6');

const isThisMachine: IsDirect = (host) =>
  host === 'localhost' || (isIP(host) !== 0 && loopback.check(host, family(host)));

const portOf = (url: URL): string => url.port || (url.protocol === 'https:' ? '443' : '80');

/** A function from a request's URL to the proxy's; undefined: none. */
export function proxyChoice(options: HttpClientOptions): (url: string) => string | undefined {
  const { proxyUrl, proxyUrls, noProxy } = options;
  if (proxyUrl === undefined && proxyUrls === undefined) return () => undefined;
  if (proxyUrls === undefined && noProxy === undefined) return () => proxyUrl;
  const entries = (noProxy ?? '')
    .split(',')
    .map((entry) => entryTest(entry.trim().toLowerCase()))
    .filter((test) => test !== null);
  const isDirect = [isThisMachine, ...entries];
  return (text) => {
    const url = new URL(text);
    const host = url.hostname.replace(/^\[|\]$/g, '').replace(/\.$/, '');
    if (isDirect.some((test) => test(host, portOf(url)))) return undefined;
    return proxyUrls ? proxyUrls[url.protocol === 'https:' ? 'https' : 'http'] : proxyUrl;
  };
}
