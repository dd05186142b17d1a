// Damaged block files: whatever is flipped or torn off, reading ends in the same answer or in a corrupt error that names the file.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { isCorrupt } from '../../../src/base/index.ts';
import { type Files, createSimWorld } from '../../../src/io/index.ts';
import { createBlockWasm, loadKernel } from '../../../src/kernel/index.ts';
import { Block } from '../../../src/tsdb/block/block.ts';
import { BlockCache } from '../../../src/tsdb/block/block-cache.ts';
import { decodeFooter, decodeTail, unpack } from '../../../src/tsdb/block/block-format.ts';
import { decodeLabels } from '../../../src/tsdb/block/labels.ts';
import { PageDirectory } from '../../../src/tsdb/block/pages.ts';
import { PostingsChunk, decodeList } from '../../../src/tsdb/block/postings-section.ts';
import { SeriesChunk } from '../../../src/tsdb/block/series.ts';
import { SymbolChunk } from '../../../src/tsdb/block/symbols.ts';
import { TimeChunk } from '../../../src/tsdb/block/times.ts';
import { compareModel, randomSeries, readBlock, seeded, writeBlock } from '../../support/block-model.ts';
import { fuzzCases, fuzzSeed } from '../../support/fuzz.ts';

const kernel = createBlockWasm(await loadKernel('block'));
const PATH = 'x.block';

async function fileOf(series: number, samples: number): Promise<Uint8Array> {
  const sim = createSimWorld(1);
  return sim.run(async () => {
    const { files } = sim.world;
    await writeBlock(files, PATH, kernel, randomSeries(seeded(series), series, samples));
    return files.readFile(PATH);
  });
}

/** Files that hold one file's bytes. */
function filesWith(bytes: Uint8Array): Files {
  const file = {
    read: async (into: Uint8Array, offset: number) => {
      const part = bytes.subarray(offset, offset + into.length);
      into.set(part);
      return part.length;
    },
    size: async () => bytes.length,
    close: async () => {},
  };
  return { open: async () => file } as unknown as Files;
}

async function readAll(bytes: Uint8Array): Promise<unknown> {
  const block = await Block.open(filesWith(bytes), PATH, new BlockCache(1 << 22));
  const index = await block.index();
  const selected = ['anonymous', 'team-b'].flatMap((tenant) => [
    [...index.select(tenant, [{ name: 'job', op: '=~', value: 'a.*' }])],
    index.cardinality(tenant),
  ]);
  return [await readBlock(block, kernel), selected, block.meta];
}

/** Reads a damaged file: undefined after a corrupt error, and the answer otherwise. */
async function answerOf(bytes: Uint8Array): Promise<unknown> {
  try {
    return await readAll(bytes);
  } catch (error) {
    assert.ok(isCorrupt(error), `not a corrupt error: ${String((error as Error).stack)}`);
    assert.match((error as Error).message, /x\.block/);
    return undefined;
  }
}

describe('damaged block', () => {
  test('a flipped bit ends in the same answer or a corrupt error, and verify() names it', async () => {
    const bytes = await fileOf(60, 40);
    const want = await readAll(bytes);
    const random = seeded(fuzzSeed(11));
    for (let i = 0; i < fuzzCases(150); i++) {
      const damaged = bytes.slice();
      const at = Math.floor(random.next() * bytes.length);
      damaged[at] ^= 1 << Math.floor(random.next() * 8);
      const got = await answerOf(damaged);
      if (got !== undefined) assert.deepEqual(got, want);
      assert.ok(await isFound(damaged), `bit at ${at} is not found`);
    }
  });

  test('a torn file is refused when it is opened', async () => {
    const bytes = await fileOf(60, 40);
    for (let length = 0; length < bytes.length; length += 1 + (length >> 3)) {
      assert.equal(await answerOf(bytes.subarray(0, length)), undefined);
    }
    assert.equal(await answerOf(new Uint8Array([...bytes, 0])), undefined);
    assert.equal(await answerOf(new Uint8Array(bytes.length)), undefined);
  });

  test('a newer version is refused by name, not as damage', async () => {
    const bytes = (await fileOf(5, 5)).slice();
    const { crc32c } = await import('../../../src/base/index.ts');
    const tail = bytes.subarray(bytes.length - 32);
    const view = new DataView(tail.buffer, tail.byteOffset);
    view.setUint32(16, 3, true);
    view.setUint32(24, crc32c(tail.subarray(0, 24)), true);
    await assert.rejects(Block.open(filesWith(bytes), PATH, new BlockCache(1)), {
      code: 'unsupported_version',
      message: 'cannot read x.block: its version is not known; got 3',
    });
  });

  test('a crash while writing leaves a whole block or none', async () => {
    let whole = 0;
    for (let seed = 1; seed <= 40; seed++) {
      const sim = createSimWorld(seed);
      const wanted = randomSeries(seeded(seed), 40, 20);
      await sim.run(async () => {
        const write = writeBlock(sim.world.files, PATH, kernel, wanted);
        await Promise.race([write, sim.clock.sleep(sim.random.next() * 40)]);
        sim.crash();
        const { files } = sim.world;
        if (!(await files.exists(PATH))) return;
        whole++;
        const block = await Block.open(files, PATH, new BlockCache(1 << 22));
        assert.deepEqual(await block.verify(kernel), []);
        assert.deepEqual(await readBlock(block, kernel), wanted.sort(compareModel));
      });
    }
    assert.ok(whole > 3 && whole < 37, `${whole} of 40 came to an end`);
  });

  test('a full disk ends a write with that, and abort() leaves nothing', async () => {
    const sim = createSimWorld(1);
    await sim.run(async () => {
      sim.disk.capacityBytes = 2000;
      await assert.rejects(writeBlock(sim.world.files, PATH, kernel, randomSeries(seeded(1), 200, 50)), {
        code: 'disk_full',
      });
      assert.deepEqual(await sim.world.files.list(''), []);
    });
  });

  test('decoders of sections take any bytes', async () => {
    const bytes = await fileOf(300, 3);
    const sections = rawSections(bytes);
    const random = seeded(fuzzSeed(12));
    for (let i = 0; i < fuzzCases(3000); i++) {
      const { raw, decode } = sections[Math.floor(random.next() * sections.length)];
      const damaged = raw.slice(0, random.next() < 0.1 ? Math.floor(random.next() * raw.length) : raw.length);
      for (let k = Math.floor(random.next() * 4); k >= 0 && damaged.length > 0; k--)
        damaged[Math.floor(random.next() * damaged.length)] = Math.floor(random.next() * 256);
      try {
        decode(damaged);
      } catch (error) {
        assert.ok(isCorrupt(error), String((error as Error).stack));
      }
    }
  });
});

async function isFound(bytes: Uint8Array): Promise<boolean> {
  try {
    const block = await Block.open(filesWith(bytes), PATH, new BlockCache(1 << 22));
    return (await block.verify(kernel)).length > 0;
  } catch (error) {
    return isCorrupt(error);
  }
}

interface Section {
  readonly raw: Uint8Array;
  decode(raw: Uint8Array): unknown;
}

function rawSections(bytes: Uint8Array): Section[] {
  const { footerBytes } = decodeTail(bytes.subarray(bytes.length - 32), bytes.length, PATH);
  const offset = bytes.length - 32 - footerBytes;
  const footer = decodeFooter(bytes.subarray(offset, offset + footerBytes), offset);
  const raws = footer.chunks.map((chunk) => ({
    ...chunk,
    raw: unpack(bytes.subarray(chunk.offset, chunk.offset + chunk.bytes), chunk, PATH, 'chunk'),
  }));
  const pagesEnd = raws[0].offset;
  const pages = new PageDirectory(raws.find(({ kind }) => kind === 'pages')?.raw ?? bytes, pagesEnd);
  const sections = raws.flatMap(({ kind, raw, first, count }): Section[] => {
    if (kind === 'symbols') return [{ raw, decode: (b) => new SymbolChunk(b, first, count).find(new Uint8Array(3)) }];
    if (kind === 'series') return [{ raw, decode: (b) => new SeriesChunk(b, first, count, pages).symbols(0, []) }];
    if (kind === 'times') return [{ raw, decode: (b) => new TimeChunk(b, first, count, pages) }];
    if (kind === 'labels') return [{ raw, decode: decodeLabels }];
    if (kind === 'postings') return [{ raw, decode: decodePostings }];
    if (kind === 'pages') return [{ raw, decode: (b) => new PageDirectory(b, pagesEnd) }];
    return [];
  });
  const tail = bytes.subarray(offset, offset + footerBytes);
  return [...sections, { raw: tail, decode: (b) => decodeFooter(b, offset) }];
}

function decodePostings(raw: Uint8Array): void {
  for (const group of new PostingsChunk(raw).groups)
    for (let i = 0; i < group.values.length; i++) decodeList(group, i, 300);
}
