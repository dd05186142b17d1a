// Records of the log that are no batches: what an operator asked the shard to do. They are in the log so that every replica does it
// at the same place, and does it again when it replays. Payload: the byte 2 (a batch begins with 1), then JSON in UTF-8.
import { corruptError, errorText, utf8, utf8Text } from '../base/index.ts';
import type { Matcher } from '../model/index.ts';

const COMMAND = 2;

/** Moves the whole head into blocks. */
export interface FlushCommand {
  readonly type: 'flush';
}

/** Deletes what series have in a time range, both ends included. */
export interface DeleteCommand {
  readonly type: 'delete';
  readonly tenant: string;
  readonly matchers: readonly Matcher[];
  readonly minMs: number;
  readonly maxMs: number;
}

/** Rewrites blocks so that what was deleted is gone from disk. */
export interface CleanCommand {
  readonly type: 'clean';
}

/** What an operator can ask for. */
export type Command = FlushCommand | DeleteCommand | CleanCommand;

export function encodeCommand(command: Command): Uint8Array {
  const json = utf8(JSON.stringify(command));
  const bytes = new Uint8Array(1 + json.length);
  bytes[0] = COMMAND;
  bytes.set(json, 1);
  return bytes;
}

/** Whether a record of the log is a command, no batch. */
export const isCommand = (payload: Uint8Array): boolean => payload[0] === COMMAND;

/** Reads a command; throws a corrupt error for one that this build does not know. */
export function decodeCommand(payload: Uint8Array): Command {
  let command: Partial<DeleteCommand | FlushCommand | CleanCommand>;
  try {
    command = JSON.parse(utf8Text(payload.subarray(1)));
  } catch (cause) {
    throw corruptError(`cannot read command of the log: ${errorText(cause)}`);
  }
  if (command?.type === 'flush' || command?.type === 'clean') return command as Command;
  if (command?.type === 'delete') {
    const { tenant, matchers, minMs, maxMs } = command;
    const isWhole =
      typeof tenant === 'string' && Array.isArray(matchers) && Number.isFinite(minMs) && Number.isFinite(maxMs);
    if (isWhole) return command as DeleteCommand;
  }
  throw corruptError(`cannot read command of the log: it is not known; got ${JSON.stringify(command?.type)}`);
}
