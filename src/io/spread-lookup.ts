// Name lookup for round_robin_dns: of the addresses of a name one is chosen at random for each connection, so that several senders
// spread over all of them, and over new ones as connections are made anew.
import dns from 'node:dns';
import type { LookupFunction } from 'node:net';

type LookupAll = (
  name: string,
  options: dns.LookupAllOptions,
  done: (error: NodeJS.ErrnoException | null, addresses: dns.LookupAddress[]) => void,
) => void;

/** A lookup that gives one address. `all` and `random` are for tests. */
export function spreadLookup(all: LookupAll = dns.lookup, random: () => number = Math.random): LookupFunction {
  return (name, options, done) => {
    all(name, { ...(options as dns.LookupOptions), all: true }, (error, addresses) => {
      const chosen = error ? undefined : addresses[Math.floor(random() * addresses.length)];
      if (!chosen) done(error ?? noAddress(name), '', 0);
      else if (options.all) done(null, [chosen]);
      else done(null, chosen.address, chosen.family);
    });
  };
}

const noAddress = (name: string): NodeJS.ErrnoException =>
  Object.assign(new Error(`lookup ${name}: no address`), { code: 'ENOTFOUND' });
