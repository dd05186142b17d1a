// What every Files adapter does, so that code tested on the simulated disk behaves alike on the real one.
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { utf8, utf8Text } from '../../src/base/index.ts';
import { createDirectoryObjects, type Files } from '../../src/io/index.ts';

interface Subject {
  readonly files: Files;
  run(program: () => Promise<void>): Promise<void>;
}

export function checkFilesContract(name: string, makeSubject: (t: TestContext) => Promise<Subject>): void {
  const check = (behaviour: string, body: (files: Files) => Promise<void>): void =>
    void test(`${name}: ${behaviour}`, async (t) => {
      const subject = await makeSubject(t);
      await subject.run(() => body(subject.files));
    });

  check('open modes, reads past the end, sizes and truncation', async (files) => {
    await assert.rejects(files.open('a', 'read'), { code: 'not_found' });
    const file = await files.open('a', 'create');
    await assert.rejects(files.open('a', 'create'), { code: 'already_exists' });
    await assert.rejects(files.open('no/dir', 'write'), { code: 'not_found' });
    await file.write(utf8('hello'), 3);
    await file.writev([utf8('A'), utf8('BC')], 0);
    assert.equal(await file.size(), 8);
    const into = new Uint8Array(10);
    assert.equal(await file.read(into, 6), 2);
    assert.equal(utf8Text(into.subarray(0, 2)), 'lo');
    assert.equal(await file.read(into, 8), 0);
    assert.equal(await file.read(into, 100), 0);
    await file.truncate(4);
    await file.truncate(6);
    assert.deepEqual([...(await files.readFile('a'))], [65, 66, 67, 104, 0, 0]);
    await file.sync();
    await file.close();
    const again = await files.open('a', 'write');
    assert.equal(await again.size(), 6);
    await again.close();
    const reader = await files.open('a', 'read');
    await assert.rejects(reader.write(utf8('x'), 0), (error: { code: string }) => /denied|io_error/.test(error.code));
    await reader.close();
  });

  check('directories are listed in order, renamed and removed with all in them', async (files) => {
    assert.deepEqual(await files.list('d'), []);
    await files.makeDirectory('d/e');
    await files.makeDirectory('d/e');
    for (const path of ['d/z', 'd/B', 'd/a', 'd/e/x']) await files.writeFileAtomic(path, utf8(path));
    assert.deepEqual(await files.list('d'), ['B', 'a', 'e', 'z']);
    assert.deepEqual(await files.list(''), ['d']);
    assert.equal((await files.stat('d'))?.isDirectory, true);
    assert.equal((await files.stat('d/e/x'))?.sizeBytes, 5);
    assert.equal(await files.stat('d/none'), undefined);
    await files.rename('d/e', 'f');
    assert.equal(utf8Text(await files.readFile('f/x')), 'd/e/x');
    assert.equal(await files.exists('d/e'), false);
    await files.rename('d/a', 'd/z');
    assert.equal(utf8Text(await files.readFile('d/z')), 'd/a');
    await files.syncDirectory('d');
    await assert.rejects(files.syncDirectory('none'), { code: 'not_found' });
    await assert.rejects(files.rename('none', 'd/z'), { code: 'not_found' });
    await files.remove('none');
    await files.remove('d');
    await files.remove('f/x');
    assert.deepEqual(await files.list(''), ['f']);
    assert.deepEqual(await files.list('f'), []);
  });

  check('writing a file atomically replaces it and leaves nothing else', async (files) => {
    await files.writeFileAtomic('f', utf8('a longer first text'));
    await files.writeFileAtomic('f', utf8('second'));
    await files.writeFileAtomic('g', new Uint8Array(0));
    assert.equal(utf8Text(await files.readFile('f')), 'second');
    assert.equal((await files.readFile('g')).length, 0);
    assert.deepEqual(await files.list(''), ['f', 'g']);
    await assert.rejects(files.readFile('none'), { code: 'not_found' });
    await assert.rejects(files.writeFileAtomic('none/f', utf8('x')), { code: 'not_found' });
  });

  check('a path cannot leave the root', async (files) => {
    for (const path of ['../x', '/etc/x', 'a/../../x', 'a\0b']) {
      await assert.rejects(async () => files.open(path, 'write'), { code: 'bad_path' });
    }
  });

  check('an open file outlives its removal and its replacement', async (files) => {
    await files.writeFileAtomic('f', utf8('old'));
    const file = await files.open('f', 'read');
    await files.writeFileAtomic('f', utf8('new'));
    await files.remove('f');
    const into = new Uint8Array(3);
    await file.read(into, 0);
    assert.equal(utf8Text(into), 'old');
    await file.close();
  });

  check('a lock is held once, until it is released', async (files) => {
    const lock = await files.lock('lock');
    await assert.rejects(files.lock('lock'), { code: 'locked' });
    await lock.release();
    await (await files.lock('lock')).release();
  });

  check('objects are files below a directory', async (files) => {
    const objects = createDirectoryObjects(files, 'objects');
    await objects.put('tenant/shard-1/block-2', utf8('0123456789'));
    await objects.put('tenant/shard-10/block-1', utf8('x'));
    await objects.put('top', utf8('y'));
    assert.deepEqual(await objects.list(''), ['tenant/shard-1/block-2', 'tenant/shard-10/block-1', 'top']);
    assert.deepEqual(await objects.list('tenant/shard-1'), ['tenant/shard-1/block-2', 'tenant/shard-10/block-1']);
    assert.deepEqual(await objects.list('tenant/shard-1/'), ['tenant/shard-1/block-2']);
    assert.deepEqual(await objects.list('none/'), []);
    assert.equal(utf8Text(await objects.getRange('tenant/shard-1/block-2', 3, 4)), '3456');
    assert.equal(utf8Text(await objects.getRange('tenant/shard-1/block-2', 8, 40)), '89');
    assert.equal(await objects.size('top'), 1);
    await objects.remove('top');
    await objects.remove('none/at/all');
    await assert.rejects(objects.size('top'), { code: 'not_found' });
    await assert.rejects(objects.getRange('top', 0, 1), { code: 'not_found' });
    await assert.rejects(async () => objects.put('../x', utf8('')), { code: 'bad_path' });
  });
}
