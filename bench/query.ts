// A small mix of queries over six hours, over HTTP, each alone: milliseconds from request to the whole answer.
import { send } from '../apptest/client.ts';
import { Program } from '../test/support/program.ts';
import { type Bench, INTERVAL_MS, count, load, quantile } from './traffic.ts';

const SERIES = 5000;
const HOURS = 6;
const ROUNDS = 5;

const QUERIES: readonly string[] = [
  'node_part0_operations_total{instance="10.0.3.7:9100"}',
  'rate(node_part0_operations_total[5m])',
  'sum by (cluster) (rate(node_part0_operations_total[5m]))',
  'sum(rate({__name__=~"node_part.*_operations_total"}[5m]))',
  'topk(5, max_over_time(node_part1_usage_ratio[30m]))',
  'histogram_quantile(0.9, sum by (mode, region) (rate(node_part2_duration_seconds_bucket[5m])))',
  'node_part0_errors_total / on(instance, device) node_part0_operations_total',
  'quantile by (region) (0.99, node_part3_usage_ratio)',
  'avg_over_time(sum(node_part4_usage_ratio)[1h:1m])',
  'count by (__name__) ({job="node-exporter"})',
];

/** What a range of questions costs. */
export const query: Bench = async (scale, say) => {
  const seriesCount = Math.round(SERIES * scale);
  const ticks = (HOURS * 3_600_000) / INTERVAL_MS;
  const startMs = Date.now() - HOURS * 3_600_000;
  const program = await Program.start(null);
  try {
    const samples = await load(program, seriesCount, ticks, startMs);
    say(
      `range queries of 60 s steps over ${HOURS} h, ${count(samples)} samples of ${count(seriesCount)} series; median of ${ROUNDS}`,
    );
    const medians: number[] = [];
    for (const text of QUERIES) {
      const median = await time(program, text, startMs, startMs + HOURS * 3_600_000);
      medians.push(median);
      say(`${median.toFixed(1).padStart(8)} ms  ${text}`);
    }
    const mean = Math.exp(medians.reduce((sum, ms) => sum + Math.log(ms), 0) / medians.length);
    say(`${mean.toFixed(1).padStart(8)} ms  geometric mean`);
  } finally {
    await program.dispose();
  }
};

async function time(program: Program, text: string, startMs: number, endMs: number): Promise<number> {
  const parameters = new URLSearchParams({
    query: text,
    start: String(startMs / 1000),
    end: String(endMs / 1000),
    step: '60',
    nocache: '1',
  });
  const elapsedMs: number[] = [];
  for (let round = 0; round <= ROUNDS; round++) {
    const reply = await send(program, { path: `/api/v1/query_range?${parameters}` });
    if (reply.status !== 200) throw new Error(`${text}: ${reply.status} ${reply.text.slice(0, 500)}`);
    if (round > 0) elapsedMs.push(reply.elapsedMs);
  }
  return quantile(elapsedMs, 0.5);
}
