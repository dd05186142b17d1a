// Binary operators where an operand is a native histogram: what one pair gives. Combinations that mean nothing give no value
// and an info; Prometheus tells of one of them per step.
import {
  type NativeHistogram,
  addHistograms,
  compact,
  divide,
  equalHistograms,
  multiply,
  subtractHistograms,
  withHint,
} from '../../model/index.ts';
import type { Annotations, Remark } from '../annotations.ts';
import type { BinaryOperator, Span } from '../ast.ts';
import { trimHistogram } from '../functions/trim.ts';

/** An operand or a value. */
export type Element = number | NativeHistogram;

/** What is to be told of an element: a remark, or that types do not go together. */
export type Complaint = Remark | readonly [kind: 'incompatibleTypes', left: string, right: string];

export interface ElementResult {
  /** null: no value. */
  readonly value: Element | null;
  /** Of a comparison: whether it holds. */
  readonly keep: boolean;
  readonly complaint: Complaint | null;
}

const valueOnly = (value: Element): ElementResult => ({ value, keep: true, complaint: null });

const typeOf = (element: Element): string => (typeof element === 'number' ? 'float' : 'histogram');

const noMeaning = (a: Element, b: Element): ElementResult => ({
  value: null,
  keep: false,
  complaint: ['incompatibleTypes', typeOf(a), typeOf(b)],
});

/** a op b, where one is a histogram at least. */
export function histogramElement(op: BinaryOperator, a: Element, b: Element): ElementResult {
  if (typeof a === 'number') {
    return op === '*' && typeof b !== 'number' ? valueOnly(compact(multiply(b, a))) : noMeaning(a, b);
  }
  return typeof b === 'number' ? withFloat(op, a, b) : ofTwo(op, a, b);
}

function withFloat(op: BinaryOperator, h: NativeHistogram, x: number): ElementResult {
  switch (op) {
    case '*':
      return valueOnly(compact(multiply(h, x)));
    case '/':
      return valueOnly(compact(divide(h, x)));
    case '</':
      return valueOnly(trimHistogram(h, x, true));
    case '>/':
      return valueOnly(trimHistogram(h, x, false));
    default:
      return noMeaning(h, x);
  }
}

function ofTwo(op: BinaryOperator, a: NativeHistogram, b: NativeHistogram): ElementResult {
  if (op === '==' || op === '!=') {
    return { value: a, keep: equalHistograms(a, b) === (op === '=='), complaint: null };
  }
  if (op !== '+' && op !== '-') return noMeaning(a, b);
  const sum = op === '+' ? addHistograms(a, b) : subtractHistograms(a, b);
  if (sum === null) return { value: null, keep: false, complaint: ['incompatibleLayout', op] };
  const operation = op === '+' ? 'addition' : 'subtraction';
  const value = compact(op === '+' ? sum.histogram : withHint(sum.histogram, 'gauge'));
  // As Prometheus: a warning here takes the value away.
  if (sum.collision) return { value: null, keep: false, complaint: ['resetCollision', operation] };
  return { value, keep: true, complaint: sum.reconciled ? ['boundsReconciled', operation] : null };
}

/** Complaints of a vector operation, the last one of each step. */
export class Complaints {
  readonly #byStep = new Map<number, { readonly order: number; readonly complaint: Complaint }>();

  /** `order` is the place of the element among those of its step. */
  note(step: number, order: number, complaint: Complaint): void {
    const known = this.#byStep.get(step);
    if (known === undefined || order >= known.order) this.#byStep.set(step, { order, complaint });
  }

  place(annotations: Annotations, op: BinaryOperator, pos: Span): void {
    for (const { complaint } of this.#byStep.values()) {
      if (complaint[0] === 'incompatibleTypes') annotations.incompatibleTypes(complaint[1], op, complaint[2], pos);
      else annotations.place([complaint], pos);
    }
  }
}
