// The hash of a label set that limit_ratio samples by: xxHash64 (seed 0) over each text with its length in front, as
// Prometheus computes it, so that both keep the same series. One byte of length below 255; else 255 and three bytes.
import { utf8 } from '../../base/index.ts';
import { xxHash64 } from '../../kernel/index.ts';
import type { Labels } from '../../model/index.ts';

export function labelsHash(labels: Labels): bigint {
  const texts = labels.pairs.map(utf8);
  const bytes = new Uint8Array(texts.reduce((sum, text) => sum + text.length + 4, 0));
  let at = 0;
  for (const text of texts) {
    if (text.length < 255) {
      bytes[at++] = text.length;
    } else {
      bytes[at++] = 255;
      for (let i = 0; i < 3; i++) bytes[at++] = (text.length >>> (8 * i)) & 255;
    }
    bytes.set(text, at);
    at += text.length;
  }
  return xxHash64(bytes.subarray(0, at));
}
