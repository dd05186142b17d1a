// Lines on standard error, in Prometheus' two formats: logfmt and JSON.
import type { Logger } from '../base/index.ts';
import type { Clock } from '../io/index.ts';

export type LogLevel = 'debug' | 'info' | 'warn' | 'error';
const order: readonly LogLevel[] = ['debug', 'info', 'warn', 'error'];

export interface ConsoleLoggerOptions {
  readonly level: LogLevel;
  readonly format: 'logfmt' | 'json';
  readonly clock: Clock;
  readonly write: (line: string) => void;
}

const plain = /^[^\s"=\\]+$/;

function logfmtValue(value: unknown): string {
  const text = typeof value === 'string' ? value : (JSON.stringify(value) ?? 'undefined');
  return plain.test(text) ? text : JSON.stringify(text);
}

export function createConsoleLogger({ level, format, clock, write }: ConsoleLoggerOptions): Logger {
  const at = (own: LogLevel) => {
    if (order.indexOf(own) < order.indexOf(level)) return () => {};
    return (text: string, fields: Record<string, unknown> = {}) => {
      const all = { time: new Date(clock.nowMs()).toISOString(), level: own.toUpperCase(), msg: text, ...fields };
      const line =
        format === 'json'
          ? JSON.stringify(all)
          : Object.entries(all)
              .map(([key, value]) => `${key}=${logfmtValue(value)}`)
              .join(' ');
      write(`${line}\n`);
    };
  };
  return { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') };
}
