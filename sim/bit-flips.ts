// npm run sim:flips -- [--count N] [--seed N] [--jobs N]: bits that flip in a store at rest, one at a time. After each the store is opened,
// read, flushed, compacted, cleaned and read again. What comes of it is one of:
//
//   harmless   every answer is right, and nothing was said
//   reported   the program says what is damaged; what it still answers is right, and nothing is missing if a cache was hit
//   refused    it does not start, with an error that names the file
//   wrong      an answer is wrong in silence, or has what nobody wrote
//   crash      anything else was thrown
import { spawn } from 'node:child_process';
import { parseArgs } from 'node:util';
import { TidemarkError, errorText, utf8Text } from '../src/base/index.ts';
import { SimRandom, createSimWorld } from '../src/io/index.ts';
import { MANIFEST, parseManifest } from '../src/tsdb/index.ts';
import { Violation } from './reader.ts';
import { type StoreParts, type StoredFiles, buildStore, layOutSimulated, storeParts } from './sample-store.ts';
import { Session } from './session.ts';

const STORE_SEED = 5;
const SHARDS = 2;
/** Flips of one process. */
const CHUNK = 500;
/** Of these bytes at both ends of a file as many bits flip as of all others. */
const END_BYTES = 64;
/** What these lose can be made again: answers have to be complete. */
const CACHES = /^(head image is passed over|cannot read the positions of cuts)/;

export const OUTCOMES = ['harmless', 'reported', 'refused', 'wrong', 'crash'] as const;
type Outcome = (typeof OUTCOMES)[number];

interface Flip {
  readonly path: string;
  readonly place: string;
  readonly offset: number;
  readonly bit: number;
}

/** Counts by kind of file and place in it. */
export type FlipTable = Record<string, Record<Outcome, number>>;

export interface FlipReport {
  readonly table: FlipTable;
  /** Every wrong answer and crash. */
  readonly findings: readonly string[];
}

/** A file that was being written when the program was killed is of the kind `other`. */
const kindOf = (path: string): string =>
  /(?:manifest|tombstones|cuts)(?=\.json$)|(?:block|image|log)$/.exec(path)?.[0] ?? 'other';

/** Any kind of file as likely as any other, and any of three places in it. */
function drawFlip(random: SimRandom, stored: StoredFiles): Flip {
  const kind = random.pick([...new Set([...stored.keys()].map(kindOf))]);
  const [path, bytes] = random.pick([...stored].filter(([candidate]) => kindOf(candidate) === kind));
  const place = random.pick(['begin', 'middle', 'end']);
  const near = random.below(Math.min(END_BYTES, bytes.length));
  const offset = { begin: near, middle: random.below(bytes.length), end: bytes.length - 1 - near }[place] as number;
  return { path, place: `${kind} ${place}`, offset, bit: random.below(8) };
}

function flipped(stored: StoredFiles, { path, offset, bit }: Flip): StoredFiles {
  const bytes = Uint8Array.from(stored.get(path) as Uint8Array);
  bytes[offset] ^= 1 << bit;
  return new Map(stored).set(path, bytes);
}

class FlipStore {
  readonly #parts: StoreParts;
  readonly #stored: StoredFiles;
  /** What is said without a flip. */
  readonly #known = new Set<string>();

  private constructor(parts: StoreParts, stored: StoredFiles) {
    this.#parts = parts;
    this.#stored = stored;
  }

  static async make(): Promise<FlipStore> {
    const parts = await storeParts(STORE_SEED, SHARDS);
    const store = new FlipStore(parts, await buildStore(STORE_SEED, parts));
    for (const ignoresImages of [false, true]) {
      for (const text of await store.#open(store.#stored, ignoresImages, 0)) store.#known.add(text);
    }
    return store;
  }

  get stored(): StoredFiles {
    return this.#stored;
  }

  /** Opens, reads and rewrites a store; returns what it complains of. */
  async #open(files: StoredFiles, ignoresImages: boolean, seed: number): Promise<string[]> {
    const sim = createSimWorld(seed);
    return sim.run(async () => {
      await layOutSimulated(files, sim);
      const session = new Session({ ...this.#parts, sim }, sim.random.fork());
      const news = (): string[] => session.complaints.filter((complaint) => !this.#known.has(complaint));
      const isLossy = (): boolean => news().some((complaint) => !CACHES.test(complaint));
      await session.start(ignoresImages);
      await session.readAll(false, isLossy);
      for (const type of ['flush', 'clean'] as const) {
        await session.command({ type });
        await session.readAll(false, isLossy);
      }
      await session.stop(0);
      return news();
    });
  }

  async try(flip: Flip, number: number): Promise<{ outcome: Outcome; text: string }> {
    const files = flipped(this.#stored, flip);
    try {
      if (flip.path === MANIFEST) return this.#tryManifest(files);
      const news = await this.#open(files, number % 2 === 1, number);
      return { outcome: news.length > 0 ? 'reported' : 'harmless', text: news.join('; ') };
    } catch (error) {
      if (error instanceof Violation) return { outcome: 'wrong', text: error.message };
      const isRefusal = error instanceof TidemarkError && error.code !== 'sim_stuck' && error.code !== 'busy';
      return { outcome: isRefusal ? 'refused' : 'crash', text: errorText(error) };
    }
  }

  /** The simulated sessions know their shards and key; a program learns them here. */
  #tryManifest(files: StoredFiles): { outcome: Outcome; text: string } {
    const read = (from: StoredFiles): string =>
      JSON.stringify(parseManifest(utf8Text(from.get(MANIFEST) as Uint8Array)));
    const text = read(files);
    return { outcome: text === read(this.#stored) ? 'harmless' : 'wrong', text };
  }
}

/** Flips number `from` to `from + count - 1` of a seed. */
export async function flipBits(seed: number, from: number, count: number): Promise<FlipReport> {
  const store = await FlipStore.make();
  const table: FlipTable = {};
  const findings: string[] = [];
  for (let number = from; number < from + count; number++) {
    const flip = drawFlip(new SimRandom(seed * 1_000_003 + number), store.stored);
    const { outcome, text } = await store.try(flip, number);
    table[flip.place] ??= { harmless: 0, reported: 0, refused: 0, wrong: 0, crash: 0 };
    table[flip.place][outcome]++;
    if (outcome === 'wrong' || outcome === 'crash' || (outcome === 'refused' && flip.path !== MANIFEST))
      findings.push(`flip ${number}, ${outcome}: bit ${flip.bit} at ${flip.offset} of ${flip.path}: ${text}`);
  }
  return { table, findings };
}

/** A chunk in a process of its own. */
function flipElsewhere(seed: number, from: number, count: number): Promise<FlipReport> {
  const args = [import.meta.filename, '--chunk', '--seed', `${seed}`, '--from', `${from}`, '--count', `${count}`];
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  let text = '';
  child.stdout.setEncoding('utf8').on('data', (piece: string) => (text += piece));
  return new Promise((resolve, reject) => {
    child.on('exit', (code) => {
      if (code === 0) resolve(JSON.parse(text));
      else reject(new Error(`cannot flip bits ${from} to ${from + count - 1}: the process ended with ${code}`));
    });
  });
}

function addTable(sum: FlipTable, table: FlipTable): void {
  for (const [place, row] of Object.entries(table)) {
    sum[place] ??= { harmless: 0, reported: 0, refused: 0, wrong: 0, crash: 0 };
    for (const outcome of OUTCOMES) sum[place][outcome] += row[outcome];
  }
}

/** Chunks side by side. */
async function flipAll(seed: number, from: number, count: number, jobs: number): Promise<FlipReport> {
  const table: FlipTable = {};
  const findings: string[] = [];
  let next = from;
  const work = async (): Promise<void> => {
    while (next < from + count) {
      const first = next;
      next = Math.min(from + count, first + CHUNK);
      const report = await flipElsewhere(seed, first, next - first);
      addTable(table, report.table);
      findings.push(...report.findings);
    }
  };
  await Promise.all(Array.from({ length: jobs }, work));
  return { table, findings };
}

function print({ table, findings }: FlipReport): void {
  const line = (name: string, cells: readonly unknown[]): void =>
    console.log(name.padEnd(20) + cells.map((cell) => String(cell).padStart(10)).join(''));
  line('', OUTCOMES);
  const total: FlipTable = {};
  for (const [place, row] of Object.entries(table).sort(([a], [b]) => (a < b ? -1 : 1))) {
    line(
      place,
      OUTCOMES.map((outcome) => row[outcome]),
    );
    addTable(total, { total: row });
  }
  if (total.total)
    line(
      'total',
      OUTCOMES.map((outcome) => total.total[outcome]),
    );
  for (const finding of findings) console.log(finding);
}

if (import.meta.main) {
  const { values } = parseArgs({
    options: {
      seed: { type: 'string', default: '1' },
      from: { type: 'string', default: '0' },
      count: { type: 'string', default: '1000' },
      jobs: { type: 'string', default: '2' },
      /** Says the report as JSON. */
      chunk: { type: 'boolean', default: false },
    },
  });
  const [seed, from, count, jobs] = [values.seed, values.from, values.count, values.jobs].map(Number);
  if (values.chunk) console.log(JSON.stringify(await flipBits(seed, from, count)));
  else {
    const report = await flipAll(seed, from, count, jobs);
    print(report);
    process.exitCode = report.findings.length > 0 ? 1 : 0;
  }
}
