// Microbenchmark of samples to JSON: the kernel and its twin, by kind of value and by how many points a series has.
// Usage: node bench/json.ts

import { JsonWriter } from '../src/api/json-writer.ts';
import { createJsonWasm, loadKernel } from '../src/kernel/index.ts';

const SAMPLES = 2048;
const counts = [1, 2, 3, 4, 8, 60, 1024];
const kinds: Readonly<Record<string, (i: number) => number>> = {
  random: () => Math.random(),
  counter: (i) => 1e6 + i * 7919,
  'small integers': (i) => (i * 7) % 13,
  'two decimals': (i) => ((i * 7919) % 10_000) / 100,
  'three decimals': (i) => ((i * 7919) % 1_000_000) / 1000,
  'six decimals': (i) => ((i * 7919) % 1e7) / 1e6,
  'one value': () => 0.1234567890123,
};

/** Nanoseconds of one call: best of some rounds of about 20 ms. */
function measure(call: () => void): number {
  let best = Number.POSITIVE_INFINITY;
  for (let round = 0; round < 6; round++) {
    const startMs = performance.now();
    let calls = 0;
    while (performance.now() - startMs < 20) {
      for (let i = 0; i < 5; i++) call();
      calls += 5;
    }
    best = Math.min(best, ((performance.now() - startMs) * 1e6) / calls);
  }
  return best;
}

function nsPerPoint(writer: JsonWriter, ts: Float64Array, vs: Float64Array, count: number): number {
  const series = Math.floor(SAMPLES / count);
  const write = (): void => {
    for (let at = 0; at < series * count; at += count) writer.points(ts, vs, at, at + count);
    writer.take();
  };
  return measure(write) / (series * count);
}

const twin = new JsonWriter();
const kernel = new JsonWriter(undefined, createJsonWasm(await loadKernel('json')));
for (const [kind, value] of Object.entries(kinds)) {
  const ts = Float64Array.from({ length: SAMPLES }, (_, i) => 1.7e12 + i * 15_000);
  const vs = Float64Array.from(ts, (_, i) => value(i));
  for (const count of counts) {
    const [ofTwin, ofKernel] = [twin, kernel].map((writer) => nsPerPoint(writer, ts, vs, count).toFixed(1).padStart(6));
    console.log(`${kind.padEnd(15)} ${String(count).padStart(5)} points  twin ${ofTwin}  kernel ${ofKernel} ns/point`);
  }
}
