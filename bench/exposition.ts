// CPU per sample of a scrape, up to the log: a page of 1,500 lines as node_exporter sends it, whose series do not change.
//
//   node bench/exposition.ts [seconds per case, default 2]
import { loadKernel, ExpositionKernel, ScrapeCacheKernel } from '../src/kernel/index.ts';
import type { ExpositionExports, ScrapeCacheExports } from '../src/kernel/index.ts';
import { Labels } from '../src/model/index.ts';
import { type ScrapeAppend, ScrapeStager } from '../src/scrape/index.ts';
import { parseExposition, parseExpositionTwin, parseSeriesText } from '../src/wire/index.ts';

const SAMPLES = 1500;
const secondsPerCase = Number(process.argv[2] ?? 2);

/** Families of five samples, with help and type; values as node_exporter prints them. */
function page(scrape: number): Uint8Array {
  let text = '';
  for (let family = 0; family < SAMPLES / 5; family++) {
    const name = `node_${['cpu', 'disk', 'network', 'memory', 'filesystem'][family % 5]}_thing_${family}_seconds_total`;
    text += `# HELP ${name} Seconds that thing ${family} took, as the kernel counts them.\n# TYPE ${name} counter\n`;
    for (let i = 0; i < 5; i++)
      text += `${name}{cpu="${i}",mode="idle"} ${(family * 1000 + i * 7 + scrape * 0.15).toFixed(2)}\n`;
  }
  return new TextEncoder().encode(text);
}

interface Intake extends ExpositionExports, ScrapeCacheExports {
  intakeInput(bytes: number): number;
  intakeInit(shards: number, seriesMax: number, symbolBytesMax: number, aliasesMax: number): number;
  intakeTenant(bytes: number): number;
  intakeBegin(bytes: number): void;
  scrapeFinish(): number;
}

const instance = await WebAssembly.instantiate(await loadKernel('intake'), {});
const intake = instance.exports as unknown as Intake;
intake.intakeInput(32);
intake.intakeInit(4, 1 << 20, 1 << 28, 0);
const exposition = new ExpositionKernel(intake);
const stager = new ScrapeStager(exposition, new ScrapeCacheKernel(intake));
const cache = stager.openCache();
const pages = Array.from({ length: 8 }, (_, i) => page(i));

function measure(what: string, run: (scrape: number) => void): void {
  for (let i = 0; i < 20; i++) run(i);
  const begin = performance.now();
  let scrapes = 0;
  while (performance.now() - begin < secondsPerCase * 1000) run(scrapes++);
  const ns = ((performance.now() - begin) * 1e6) / (scrapes * SAMPLES);
  console.log(`${what.padEnd(44)} ${ns.toFixed(1).padStart(8)} ns/sample`);
}

const append = (scrape: number): ScrapeAppend => ({
  timeMs: 1_700_000_000_000 + scrape * 15_000,
  body: pages[scrape % pages.length],
  format: 'text',
  honorTimestamps: true,
  trackTimestampsStaleness: false,
  sampleLimit: 0,
  timeMaxMs: Number.MAX_SAFE_INTEGER,
  resolve: (series, type) => Labels.from([...parseSeriesText(series, type), ['instance', 'a:9100'], ['job', 'node']]),
  metadata: () => {},
  report: () => [],
});

let clock = 0;
measure('parse', (scrape) => parseExposition(exposition, pages[scrape % pages.length], 'text'));
measure('parse, look up, batch (steady)', () => {
  intake.intakeTenant(0);
  intake.intakeBegin(0);
  stager.stage(cache, append(clock++));
  intake.scrapeFinish();
  stager.settle(cache);
});
measure('the same, all series new to the target', () => {
  const fresh = stager.openCache();
  intake.intakeTenant(0);
  intake.intakeBegin(0);
  stager.stage(fresh, append(clock++));
  intake.scrapeFinish();
  stager.settle(fresh);
  stager.closeCache(fresh);
});
measure('twin: parse', (scrape) => void parseExpositionTwin(pages[scrape % pages.length], 'text'));
