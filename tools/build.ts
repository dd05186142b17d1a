// Builds what cannot run as it is written: every kernels/<module>/index.ts (AssemblyScript) into build/<module>.wasm with
// its text beside it, and the web UI, if there is one. `--if-changed` skips what build/.stamp.json says is up to date: per
// target the hash of its sources, of this file and of the compiler's version.

import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, globSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { warmUp } from './warm-up.ts';

const root = fileURLToPath(new URL('..', import.meta.url));
const stampFile = `${root}build/.stamp.json`;
const nodeMinimum = [24, 12];

interface Target {
  readonly name: string;
  readonly sources: readonly string[];
  readonly compiler: string;
  /** What must exist for the stamp to be believed. */
  readonly output: string;
  build(): Promise<string | null>;
}

/** An older Node hands over to the one in node_modules, where npm scripts find theirs anyway. */
function handOverToNewerNode(): void {
  const [major, minor] = process.versions.node.split('.').map(Number);
  const own = `${root}node_modules/.bin/node`;
  if (major > nodeMinimum[0] || (major === nodeMinimum[0] && minor >= nodeMinimum[1]) || !existsSync(own)) return;
  if (process.env.TIDEMARK_BUILD_HANDED_OVER === '1') return;
  const env = { ...process.env, TIDEMARK_BUILD_HANDED_OVER: '1' };
  const { status } = spawnSync(own, process.argv.slice(1), { stdio: 'inherit', env });
  process.exit(status ?? 1);
}

function kernelTarget(name: string): Target {
  const text = `build/${name}.wat`;
  const output = `build/${name}.wasm`;
  return {
    name: `kernel ${name}`,
    sources: globSync(`kernels/{${name},lib}/**/*.ts`, { cwd: root }).sort(),
    compiler: 'assemblyscript',
    output,
    async build() {
      const { default: asc } = await import('assemblyscript/asc');
      const options = [
        '-O3',
        '--converge',
        '--runtime',
        'stub',
        '--noAssert',
        '--enable',
        'simd',
        '--enable',
        'bulk-memory',
      ];
      const files = ['--baseDir', root, '-o', `${output}.new`, '-t', text];
      const { error, stdout, stderr } = await asc.main([`kernels/${name}/index.ts`, ...files, ...options]);
      if (error) return `${stdout}${stderr}${error.message}`;
      renameSync(`${root}${output}.new`, `${root}${output}`);
      process.stderr.write(`${stderr}`);
      return null;
    },
  };
}

function uiTarget(): Target {
  return {
    name: 'ui',
    sources: globSync('ui/**/*', { cwd: root, withFileTypes: true })
      .filter((entry) => entry.isFile() && !entry.parentPath.includes('node_modules'))
      .map((entry) => `${entry.parentPath}/${entry.name}`.slice(root.length))
      .sort(),
    compiler: 'rolldown',
    output: 'build/ui',
    async build() {
      const cli = `${root}node_modules/.bin/rolldown`;
      const result = spawnSync(cli, ['-c', 'ui/rolldown.config.mjs'], { cwd: root, encoding: 'utf8' });
      if (result.error) return result.error.message;
      return result.status === 0 ? null : `${result.stdout}${result.stderr}`;
    },
  };
}

function targets(): Target[] {
  const kernels = globSync('kernels/*/index.ts', { cwd: root }).sort();
  const found = kernels.map((file) => kernelTarget(file.split(/[\\/]/)[1]));
  if (existsSync(`${root}ui/rolldown.config.mjs`)) found.push(uiTarget());
  return found;
}

function hashOf(target: Target): string {
  const hash = createHash('sha256').update(readFileSync(fileURLToPath(import.meta.url)));
  hash.update(readFileSync(`${root}node_modules/${target.compiler}/package.json`));
  for (const file of target.sources) hash.update(`\0${file}\0`).update(readFileSync(`${root}${file}`));
  return hash.digest('hex');
}

function readStamps(): Record<string, string> {
  if (!existsSync(stampFile)) return {};
  try {
    return JSON.parse(readFileSync(stampFile, 'utf8'));
  } catch {
    return {}; // A stamp is a cache: an unreadable one means that everything is built again.
  }
}

async function main(): Promise<number> {
  handOverToNewerNode();
  mkdirSync(`${root}build`, { recursive: true });
  const ifChanged = process.argv.includes('--if-changed');
  const stamps = readStamps();
  let failed = 0;
  for (const target of targets()) {
    const hash = hashOf(target);
    if (ifChanged && stamps[target.name] === hash && existsSync(`${root}${target.output}`)) continue;
    const problem = await target.build();
    if (problem === null) {
      stamps[target.name] = hash;
      if (!ifChanged) process.stdout.write(`built ${target.output}\n`);
    } else {
      failed++;
      delete stamps[target.name];
      process.stderr.write(`cannot build ${target.name}:\n${problem}\n`);
    }
  }
  writeFileSync(stampFile, `${JSON.stringify(stamps, null, 2)}\n`);
  if (failed === 0 && !existsSync(`${root}build/.compile-cache`)) {
    const problem = await warmUp(root);
    if (problem !== null) process.stderr.write(`the first start will be slower: ${problem}\n`);
  }
  return failed === 0 ? 0 : 1;
}

process.exitCode = await main();
