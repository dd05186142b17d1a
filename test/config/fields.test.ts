import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { errorText } from '../../src/base/index.ts';
import { parseConfig, printConfig } from '../../src/config/index.ts';
import { CASES, type Place, configAround } from './field-cases.ts';

function problem(text: string): string {
  try {
    parseConfig(printConfig(parseConfig(text, { file: 'x.yml' })), { file: 'printed.yml' });
    return '';
  } catch (error) {
    return errorText(error);
  }
}

describe('fields of the configuration', () => {
  for (const place of Object.keys(CASES) as Place[]) {
    const { good, bad } = CASES[place] ?? { good: [], bad: [] };
    test(`${place}: what is allowed is taken, and its print too`, () => {
      for (const fragment of good) assert.equal(problem(configAround(place, fragment)), '', fragment);
    });
    test(`${place}: what is not is refused, with its place`, () => {
      for (const fragment of bad)
        assert.match(problem(configAround(place, fragment)), /x\.yml: line \d+, column \d+: /, fragment);
    });
  }
});
