import fs from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import type { TestContext } from 'node:test';

/** An empty directory that is removed when the test ends. */
export async function temporaryDirectory(t: TestContext): Promise<string> {
  const directory = await fs.mkdtemp(path.join(os.tmpdir(), 'tidemark-test-'));
  t.after(() => fs.rm(directory, { recursive: true, force: true }));
  return directory;
}
