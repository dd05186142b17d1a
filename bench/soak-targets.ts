// Scrape targets for the soak, in a process of their own: every path under /target/N is an exporter with as many series as it was told.
// Values move with the wall clock, so that a target needs no state.
//
//   node soak-targets.ts SERIES    prints its port, ends when its standard input does
import http from 'node:http';
import type { AddressInfo } from 'node:net';

const SERIES_PER_FAMILY = 50;
const HEAD_TYPES = ['counter', 'gauge'] as const;

/** The text of a target at a time; only the values differ from scrape to scrape. */
function exposition(target: number, series: number, seconds: number): string {
  const lines: string[] = [];
  for (let i = 0; i < series; i++) {
    const family = Math.floor(i / SERIES_PER_FAMILY);
    const type = HEAD_TYPES[family % HEAD_TYPES.length];
    const name = `soak_family_${family}${type === 'counter' ? '_total' : ''}`;
    if (i % SERIES_PER_FAMILY === 0) lines.push(`# HELP ${name} Of the soak.`, `# TYPE ${name} ${type}`);
    const rate = 1 + ((i * 7 + target) % 13);
    // A third rests, as most of what exporters show does.
    const value = i % 3 === 0 ? rate : type === 'counter' ? seconds * rate : ((seconds * rate) % 997) / 100;
    lines.push(`${name}{device="d${i % SERIES_PER_FAMILY}",zone="z${target % 7}"} ${value}`);
  }
  return `${lines.join('\n')}\n`;
}

const series = Number(process.argv[2]);
const server = http.createServer((request, response) => {
  const target = Number(/^\/target\/(\d+)/.exec(request.url ?? '')?.[1] ?? 0);
  response.writeHead(200, { 'content-type': 'text/plain; version=0.0.4' });
  response.end(exposition(target, series, Math.floor(Date.now() / 1000) % 1_000_000));
});
server.listen(0, '127.0.0.1', () => console.log((server.address() as AddressInfo).port));
process.stdin.resume();
process.stdin.on('end', () => process.exit());
