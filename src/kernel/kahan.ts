// Compensated summation as Prometheus does it: Neumaier's variant of Kahan's algorithm, where the compensation is dropped
// while the sum is infinite. The order of operations is part of the contract: answers are compared bit by bit.

/** A running sum and its compensation. `total` is what the sum stands for. */
export class KahanSum {
  sum = 0;
  c = 0;

  set(sum: number, c: number): void {
    this.sum = sum;
    this.c = c;
  }

  add(x: number): void {
    const { sum } = this;
    const t = sum + x;
    if (isInfinite(t)) this.c = 0;
    else if (Math.abs(sum) >= Math.abs(x)) this.c += sum - t + x;
    else this.c += x - t + sum;
    this.sum = t;
  }
}

export function isInfinite(x: number): boolean {
  return x === Infinity || x === -Infinity;
}
