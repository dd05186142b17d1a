// One alert: an instance of an alerting rule, by its labels.
//
//           result              `for` is over
//   (none) ───────► pending ────────────────► firing ◄──┐ no result, keep_firing_for
//      ▲               │ no result              │  └────┘
//      └───────────────┘              no result │
//      ▲                                        ▼
//      └─────────────── 15 minutes ───────── inactive (resolved; still sent)
import type { Labels } from '../model/index.ts';

/** See the top of the file. */
export type AlertState = 'inactive' | 'pending' | 'firing';

/** Names and texts, sorted by name. Unlike labels, an annotation may be empty. */
export type Annotations = readonly (readonly [name: string, text: string])[];

/** Times in milliseconds since the epoch; null: not yet. */
export interface Alert {
  state: AlertState;
  readonly labels: Labels;
  annotations: Annotations;
  /** At the last evaluation that had it. */
  value: number;
  /** Since when the expression has given it. */
  activeAtMs: number;
  firedAtMs: number | null;
  resolvedAtMs: number | null;
  lastSentAtMs: number | null;
  /** When a receiver may take it as resolved if it hears nothing more. */
  validUntilMs: number;
  keepFiringSinceMs: number | null;
}

/** A resolved alert is kept, and sent, so long. */
export const RESOLVED_RETENTION_MS = 15 * 60_000;

/** An alert that has just begun. */
export const newAlert = (labels: Labels, annotations: Annotations, value: number, timeMs: number): Alert => ({
  state: 'pending',
  labels,
  annotations,
  value,
  activeAtMs: timeMs,
  firedAtMs: null,
  resolvedAtMs: null,
  lastSentAtMs: null,
  validUntilMs: timeMs,
  keepFiringSinceMs: null,
});

/** Whether an alert is to be sent (again). */
export function needsSending(alert: Alert, timeMs: number, resendDelayMs: number): boolean {
  if (alert.state === 'pending') return false;
  const sentMs = alert.lastSentAtMs ?? -Infinity;
  if (alert.resolvedAtMs !== null && alert.resolvedAtMs > sentMs) return true;
  return sentMs + resendDelayMs < timeMs;
}
