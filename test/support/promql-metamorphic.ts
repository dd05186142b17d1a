// Asks generated queries of all variants and tells where answers differ.
import { TidemarkError } from '../../src/base/index.ts';
import { seeded } from '../model/histogram-samples.ts';
import { DATA_STEPS, DATA_STEP_MS } from './promql-data.ts';
import { QueryGenerator, type Random } from './promql-generator.ts';
import { type Variant, answerBits } from './promql-variants.ts';

export interface Question {
  readonly query: string;
  readonly startMs: number;
  readonly endMs: number;
  /** 0: an instant query at startMs. */
  readonly stepMs: number;
}

export interface Difference {
  readonly index: number;
  readonly question: Question;
  readonly variant: string;
  readonly want: string;
  readonly got: string;
}

/** What a run came to. */
export interface Outcome {
  readonly asked: number;
  readonly answered: number;
  readonly empty: number;
  readonly failed: number;
  readonly differences: readonly Difference[];
}

/** Question `index` of a seed: always the same. */
export function question(seed: number, index: number): Question {
  const random: Random = seeded(Math.imul(seed, 0x9e3779b1) ^ Math.imul(index + 1, 0x85ebca6b));
  const query = new QueryGenerator(random).query();
  const lastMs = DATA_STEPS * DATA_STEP_MS;
  const startMs = Math.floor(random() * lastMs);
  if (random() < 0.25) return { query, startMs, endMs: startMs, stepMs: 0 };
  const stepMs = [1000, 7000, 15_000, 15_000, 30_000, 60_000, 133_000][Math.floor(random() * 7)];
  return { query, startMs, endMs: startMs + Math.floor(random() * 30) * stepMs, stepMs };
}

const isUnasked = (text: string): boolean => text.startsWith('error');

async function ask({ engine }: Variant, { query, startMs, endMs, stepMs }: Question): Promise<string> {
  try {
    const result = stepMs === 0 ? engine.instant(query, startMs) : engine.range(query, startMs, endMs, stepMs);
    return answerBits(await result);
  } catch (error) {
    if (error instanceof TidemarkError) return `error ${error.code}: ${error.message}`;
    throw new Error(`cannot evaluate ${query} from ${startMs} to ${endMs} by ${stepMs}`, { cause: error });
  }
}

/** Asks for an earlier range of the same steps, so that a part of the answer is known, and then for the range itself. */
async function warm(variant: Variant, asked: Question): Promise<void> {
  if (asked.stepMs === 0) return;
  const steps = Math.floor((asked.endMs - asked.startMs) / asked.stepMs);
  const shiftMs = (1 + (steps % 3)) * asked.stepMs;
  const earlier = { ...asked, startMs: asked.startMs - shiftMs, endMs: asked.endMs - shiftMs };
  for (const question of steps % 2 === 0 ? [earlier] : [earlier, asked]) await ask(variant, question);
}

/** Asks `count` questions of a seed, from number `first` on. */
export async function compareVariants(
  all: readonly Variant[],
  seed: number,
  first: number,
  count: number,
  onDifference: (difference: Difference) => void = () => {},
): Promise<Outcome> {
  const differences: Difference[] = [];
  let [answered, empty, failed] = [0, 0, 0];
  for (let index = first; index < first + count; index++) {
    const asked = question(seed, index);
    const want = await ask(all[0], asked);
    if (isUnasked(want)) failed++;
    else if (/^\w+\n\n/.test(want)) empty++;
    else answered++;
    for (const other of all.slice(1)) {
      if (other.isCached) await warm(other, asked);
      const got = await ask(other, asked);
      if (got === want) continue;
      const difference = { index, question: asked, variant: other.name, want, got };
      differences.push(difference);
      onDifference(difference);
    }
  }
  return { asked: count, answered, empty, failed, differences };
}
