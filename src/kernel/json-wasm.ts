// The JSON kernel in WebAssembly: samples of a series as the query API writes them. src/api/json-writer.ts is its twin.

/** Writes samples as JSON. */
export interface PointsKernel {
  /** Samples of one call. */
  readonly pointsMax: number;
  /**
   * Samples [from, to) of columns, with commas between: `[1700000000.123,"1.5"],[1700000015.123,"2"]`. Times are milliseconds,
   * integers from -2^53 to 2^53. The bytes are valid until the next call.
   */
  points(ts: Float64Array, vs: Float64Array, from: number, to: number): Uint8Array;
}

/** What kernels/json/index.ts exports. Addresses are byte offsets into `memory`, which never moves. */
interface JsonExports {
  readonly memory: WebAssembly.Memory;
  init(): void;
  powersAddress(): number;
  tsAddress(): number;
  vsAddress(): number;
  outAddress(): number;
  points(count: number): number;
}

/** As in kernels/json/memory.ts. */
const POINTS_MAX = 1024;
const POINT_BYTES_MAX = 64;
/** Exponents of the powers of ten that float64s need: see kernels/json/shortest.ts. */
const POWER_LEAST = -292;
const POWER_MOST = 324;

/** A kernel with a memory of its own, from the module `loadKernel('json')` gives. */
export function createJsonWasm(module: WebAssembly.Module): PointsKernel {
  const exports = new WebAssembly.Instance(module, {}).exports as unknown as JsonExports;
  exports.init();
  const words = 2 * (POWER_MOST - POWER_LEAST + 1);
  fillPowers(new BigUint64Array(exports.memory.buffer, exports.powersAddress(), words));
  return new JsonWasm(exports);
}

class JsonWasm implements PointsKernel {
  readonly pointsMax = POINTS_MAX;
  readonly #exports: JsonExports;
  readonly #ts: Float64Array;
  readonly #vs: Float64Array;
  readonly #out: Uint8Array;

  constructor(exports: JsonExports) {
    const { buffer } = exports.memory;
    this.#exports = exports;
    this.#ts = new Float64Array(buffer, exports.tsAddress(), POINTS_MAX);
    this.#vs = new Float64Array(buffer, exports.vsAddress(), POINTS_MAX);
    this.#out = new Uint8Array(buffer, exports.outAddress(), POINTS_MAX * POINT_BYTES_MAX);
  }

  points(ts: Float64Array, vs: Float64Array, from: number, to: number): Uint8Array {
    this.#ts.set(ts.subarray(from, to));
    this.#vs.set(vs.subarray(from, to));
    return this.#out.subarray(0, this.#exports.points(to - from));
  }
}

/**
 * The powers of ten as binary fractions of 128 bits, of which the first is 1, rounded up: two words each, the high one first. An
 * exact one is rounded up, too. Takes about a millisecond.
 */
function fillPowers(words: BigUint64Array): void {
  let power = 1n;
  for (let exponent = 0; exponent <= POWER_MOST; exponent++) {
    putPower(words, exponent, power, 1n);
    if (-exponent >= POWER_LEAST) putPower(words, -exponent, 1n, power);
    power *= 10n;
  }
}

/** 10^exponent is dividend / divisor. */
function putPower(words: BigUint64Array, exponent: number, dividend: bigint, divisor: bigint): void {
  // floor(log2(10^exponent))
  const log2 = (exponent * 1_741_647) >> 19;
  const up = BigInt(127 - log2);
  const bits = (up < 0n ? dividend >> -up : (dividend << up) / divisor) + 1n;
  const at = 2 * (exponent - POWER_LEAST);
  words[at] = bits >> 64n;
  words[at + 1] = BigInt.asUintN(64, bits);
}
