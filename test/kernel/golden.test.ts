// The door of every built kernel as text: exports with their signatures, imports, functions, memory. A change of a door is
// then a change of a file. Rewrite with UPDATE_GOLDEN=1.

import assert from 'node:assert/strict';
import { existsSync, globSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import test from 'node:test';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../..', import.meta.url));
const golden = `${root}test/kernel/golden`;
// By the byte that stands for them, counted down from 0x7f.
const valueTypes = ['i32', 'i64', 'f32', 'f64', 'v128'];
const kinds = ['function', 'table', 'memory', 'global'];

interface Summary {
  readonly types: string[];
  readonly imports: string[];
  readonly functions: number[];
  readonly exports: string[];
  memory: string;
}

class Cursor {
  readonly bytes: Uint8Array;
  at: number;
  constructor(bytes: Uint8Array, at = 0) {
    this.bytes = bytes;
    this.at = at;
  }

  get done(): boolean {
    return this.at >= this.bytes.length;
  }

  byte(): number {
    assert.ok(!this.done, 'module is cut short');
    return this.bytes[this.at++];
  }

  u32(): number {
    let value = 0;
    for (let shift = 0; ; shift += 7) {
      const byte = this.byte();
      value |= (byte & 0x7f) << shift;
      if (byte < 0x80) return value >>> 0;
    }
  }

  take(length: number): Uint8Array {
    this.at += length;
    return this.bytes.subarray(this.at - length, this.at);
  }

  name(): string {
    return new TextDecoder().decode(this.take(this.u32()));
  }

  list<T>(read: () => T): T[] {
    return Array.from({ length: this.u32() }, read);
  }

  limits(): string {
    const hasMaximum = (this.byte() & 1) === 1;
    const minimum = this.u32();
    return hasMaximum ? `${minimum}..${this.u32()} pages` : `${minimum} pages or more`;
  }
}

function readType(c: Cursor): string {
  assert.equal(c.byte(), 0x60);
  const types = (): string => c.list(() => valueTypes[0x7f - c.byte()]).join(' ');
  const parameters = types();
  return `(${parameters}) -> (${types()})`;
}

function readImport(c: Cursor, summary: Summary): void {
  const name = `${c.name()}.${c.name()}`;
  const kind = c.byte();
  if (kind === 0) {
    const type = c.u32();
    summary.functions.push(type);
    summary.imports.push(`${name} ${summary.types[type]}`);
  } else if (kind === 2) {
    summary.memory = `imported, ${c.limits()}`;
    summary.imports.push(`${name} memory`);
  } else {
    assert.fail(`import ${name} of a kind no kernel should need: ${kinds[kind]}`);
  }
}

function readExport(c: Cursor, summary: Summary): void {
  const name = c.name();
  const kind = c.byte();
  const index = c.u32();
  summary.exports.push(kind === 0 ? `${name} ${summary.types[summary.functions[index]]}` : `${name} ${kinds[kind]}`);
}

function summarize(bytes: Uint8Array): Summary {
  const summary: Summary = { types: [], imports: [], functions: [], exports: [], memory: 'none' };
  const module = new Cursor(bytes, 8);
  while (!module.done) {
    const id = module.byte();
    const c = new Cursor(module.take(module.u32()));
    if (id === 1) summary.types.push(...c.list(() => readType(c)));
    else if (id === 2) c.list(() => readImport(c, summary));
    else if (id === 3) summary.functions.push(...c.list(() => c.u32()));
    else if (id === 5) c.list(() => (summary.memory = c.limits()));
    else if (id === 7) c.list(() => readExport(c, summary));
  }
  return summary;
}

function summaryText(bytes: Uint8Array): string {
  const { exports, imports, memory, functions } = summarize(bytes);
  const lines = (title: string, items: string[]): string => [title, ...items.sort().map((x) => `  ${x}`)].join('\n');
  return `memory: ${memory}\nfunctions: ${functions.length}\n${lines('imports:', imports)}\n${lines('exports:', exports)}\n`;
}

const names = globSync('kernels/*/index.ts', { cwd: root }).map((file) => file.split(/[\\/]/)[1]);
for (const name of names.sort()) {
  test(`the door of kernel ${name} is the one in test/kernel/golden/${name}.txt`, (t) => {
    const built = `${root}build/${name}.wasm`;
    if (!existsSync(built)) return t.skip(`build/${name}.wasm is not built`);
    const text = summaryText(readFileSync(built));
    const file = `${golden}/${name}.txt`;
    if (process.env.UPDATE_GOLDEN === '1') {
      mkdirSync(golden, { recursive: true });
      writeFileSync(file, text);
    }
    assert.equal(text, existsSync(file) ? readFileSync(file, 'utf8') : '', 'UPDATE_GOLDEN=1 rewrites it');
  });
}
