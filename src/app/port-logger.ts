// Logging from worker threads: lines go to the main thread, which writes them in its own format.
import type { MessagePort } from 'node:worker_threads';
import type { Logger } from '../base/index.ts';

export interface LogMessage {
  readonly type: 'log';
  readonly level: 'debug' | 'info' | 'warn' | 'error';
  readonly text: string;
  readonly fields: Record<string, unknown> | undefined;
}

/** A logger that posts LogMessages. */
export function portLogger(port: MessagePort): Logger {
  const at = (level: LogMessage['level']) => (text: string, fields?: Record<string, unknown>) =>
    port.postMessage({ type: 'log', level, text, fields } satisfies LogMessage);
  return { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') };
}

/** Whether a worker's message is a line for the log; writes it if so. */
export function relayLog(message: { type?: string }, logger: Logger): boolean {
  if (message.type !== 'log') return false;
  const { level, text, fields } = message as LogMessage;
  logger[level](text, fields);
  return true;
}
