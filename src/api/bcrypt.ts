// bcrypt (Provos and Mazieres, "A Future-Adaptable Password Scheme", 1999), to check passwords against the hashes of a web
// configuration. The cipher is Blowfish with an expensive key schedule; its initial state is the fraction of pi in binary,
// which is computed here when it is first needed.
//
//   $2y$10$ 22 characters of salt, 31 of hash, both in bcrypt's own base 64
//
// A check is some 100 ms of work at cost 10, so it is done in slices between which the caller gives way.
import { timingSafeEqual } from 'node:crypto';
import { TidemarkError, utf8 } from '../base/index.ts';

const ROUNDS = 16;
const P_WORDS = ROUNDS + 2;
const S_WORDS = 4 * 256;
const STATE_WORDS = P_WORDS + S_WORDS;
const PASSWORD_BYTES_MAX = 72;
/** Key expansions between two moments of giving way: a few milliseconds. */
const SLICE_ROUNDS = 16;

/** pi's fraction in 32-bit words, by Machin's formula. */
function piWords(count: number): Uint32Array {
  const guard = 64n;
  const bits = BigInt(count * 32);
  const one = 1n << (bits + guard);
  const arctanOfInverse = (x: bigint): bigint => {
    let power = one / x;
    let sum = power;
    for (let n = 3n, sign = -1n; power > 0n; n += 2n, sign = -sign) {
      power /= x * x;
      sum += (sign * power) / n;
    }
    return sum;
  };
  const pi = 4n * (4n * arctanOfInverse(5n) - arctanOfInverse(239n));
  const hex = ((pi - 3n * one) >> guard).toString(16).padStart(count * 8, '0');
  return Uint32Array.from({ length: count }, (_, i) => Number.parseInt(hex.slice(i * 8, i * 8 + 8), 16));
}

let initialState: Uint32Array | null = null;

class Blowfish {
  /** P-array, then the four S-boxes. */
  readonly state: Uint32Array;
  #left = 0;
  #right = 0;

  constructor() {
    initialState ??= piWords(STATE_WORDS);
    this.state = initialState.slice();
  }

  #encrypt(): void {
    const { state } = this;
    let left = this.#left;
    let right = this.#right;
    for (let round = 0; round < ROUNDS; round++) {
      left ^= state[round];
      const a = state[P_WORDS + (left >>> 24)];
      const b = state[P_WORDS + 256 + ((left >>> 16) & 255)];
      const c = state[P_WORDS + 512 + ((left >>> 8) & 255)];
      const d = state[P_WORDS + 768 + (left & 255)];
      right ^= (((a + b) ^ c) + d) | 0;
      const swap = left;
      left = right;
      right = swap;
    }
    this.#left = (right ^ state[ROUNDS + 1]) >>> 0;
    this.#right = (left ^ state[ROUNDS]) >>> 0;
  }

  /** Mixes a key into the state, and the salt (16 bytes as 4 words, or none) into what fills it. */
  expand(key: Uint32Array, salt: Uint32Array | null): void {
    const { state } = this;
    for (let i = 0; i < P_WORDS; i++) state[i] ^= key[i];
    this.#left = 0;
    this.#right = 0;
    for (let i = 0, at = 0; i < STATE_WORDS; i += 2) {
      if (salt) {
        this.#left ^= salt[at];
        this.#right ^= salt[at + 1];
        at = (at + 2) & 3;
      }
      this.#encrypt();
      state[i] = this.#left;
      state[i + 1] = this.#right;
    }
  }

  encryptWords(words: Uint32Array): void {
    for (let i = 0; i < words.length; i += 2) {
      this.#left = words[i];
      this.#right = words[i + 1];
      this.#encrypt();
      words[i] = this.#left;
      words[i + 1] = this.#right;
    }
  }
}

/** Bytes over and over as the 18 words that the P-array takes. */
function cycledWords(bytes: Uint8Array): Uint32Array {
  let at = 0;
  return Uint32Array.from({ length: P_WORDS }, () => {
    let word = 0;
    for (let i = 0; i < 4; i++) {
      word = (word << 8) | bytes[at];
      at = (at + 1) % bytes.length;
    }
    return word >>> 0;
  });
}

const ALPHABET = './ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789';

function decode64(text: string, byteCount: number): Uint8Array {
  const out = new Uint8Array(byteCount);
  let bits = 0;
  let bitCount = 0;
  let at = 0;
  for (const char of text) {
    bits = ((bits << 6) | ALPHABET.indexOf(char)) & 0xffff;
    bitCount += 6;
    if (bitCount < 8 || at === byteCount) continue;
    bitCount -= 8;
    out[at++] = bits >> bitCount;
  }
  return out;
}

/** The 23 bytes that bcrypt makes of a password. */
async function digest(password: string, salt: Uint8Array, cost: number, giveWay: () => Promise<void>): Promise<Buffer> {
  const key = cycledWords(
    Uint8Array.of(...utf8(password).subarray(0, PASSWORD_BYTES_MAX), 0).subarray(0, PASSWORD_BYTES_MAX),
  );
  const saltWords = cycledWords(salt);
  const cipher = new Blowfish();
  cipher.expand(key, saltWords);
  const rounds = 2 ** cost;
  for (let round = 0; round < rounds; round++) {
    cipher.expand(key, null);
    cipher.expand(saltWords, null);
    if (round % SLICE_ROUNDS === SLICE_ROUNDS - 1) await giveWay();
  }
  const words = Uint32Array.from({ length: 6 }, (_, i) => Buffer.from('OrpheanBeholderScryDoubt').readUInt32BE(i * 4));
  for (let i = 0; i < 64; i++) cipher.encryptWords(words);
  const out = Buffer.alloc(24);
  words.forEach((word, i) => out.writeUInt32BE(word, i * 4));
  return out.subarray(0, 23);
}

const HASH = /^\$2[abxy]?\$(\d\d)\$([./A-Za-z0-9]{22})([./A-Za-z0-9]{31})$/;

/** Whether a password is the one a hash was made of. `giveWay` lets others have their turn. Throws `bad_data` on what is no hash. */
export async function bcryptMatches(password: string, hash: string, giveWay: () => Promise<void>): Promise<boolean> {
  const parts = HASH.exec(hash);
  if (!parts) throw new TidemarkError('bad_data', 'cannot check password: the hash is no bcrypt hash');
  const [, cost, salt, wanted] = parts;
  const made = await digest(password, decode64(salt, 16), Number(cost), giveWay);
  return timingSafeEqual(made, decode64(wanted, 23));
}
