import { DirectoryObjects } from './directory-objects.ts';
import type { DnsResolver, HttpClient, HttpClientOptions, Files, Objects, World } from './ports.ts';
import { RealClock, RealRandom } from './real-clock.ts';
import { type DnsOptions, RealDns } from './real-dns.ts';
import { RealFiles } from './real-files.ts';
import { RealHttpClient } from './real-http.ts';

/** The machine: files below `root` (which need not exist yet), its clock, its randomness. */
export function createRealWorld(root: string): World {
  return { files: new RealFiles(root), clock: new RealClock(), random: new RealRandom() };
}

/** An HTTP client on real sockets. */
export function createHttpClient(options: HttpClientOptions = {}): HttpClient {
  return new RealHttpClient(options);
}

/** The DNS as this machine is set up to use it. */
export function createDnsResolver(options: DnsOptions = {}): DnsResolver {
  return new RealDns(options);
}

/** Objects as files below `directory`. */
export function createDirectoryObjects(files: Files, directory: string): Objects {
  return new DirectoryObjects(files, directory);
}
