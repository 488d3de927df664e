import { Logger } from '@nestjs/common';
import { subscribe } from 'node:diagnostics_channel';
import { inspect } from 'node:util';
import { DECISION_CHANNEL, SERVER_CALL_CHANNEL } from '../../../lib/events/channels.js';

/** Is told what comes out, and where. */
export type OutputListener = (text: string, where: string) => void;

const LEVELS = ['log', 'error', 'warn', 'debug', 'verbose', 'fatal'] as const;
const CONSOLE = ['log', 'info', 'warn', 'error', 'debug', 'trace'] as const;

/**
 * Sees everything that comes out of this process: its standard streams, its console, Nest's logger (whatever its levels,
 * and where it is off), and the channels of events.
 */
export function observeOutput(listener: OutputListener): void {
  for (const name of ['stdout', 'stderr'] as const) observeMethod(process[name], 'write', name, listener);
  for (const method of CONSOLE) observeMethod(console, method, `console.${method}`, listener);
  for (const level of LEVELS) observeMethod(Logger.prototype, level, `Logger.${level}`, listener);
  for (const channel of [DECISION_CHANNEL, SERVER_CALL_CHANNEL]) {
    subscribe(channel, (event) => listener(JSON.stringify(event), channel));
  }
}

/** Replaces a method by one that tells what it is called with, and then does what it did. */
function observeMethod<Name extends string>(
  object: Readonly<Record<Name, unknown>>,
  name: Name,
  where: string,
  listener: OutputListener,
): void {
  const original = object[name] as (...values: unknown[]) => unknown;
  Object.assign(object, {
    [name](this: unknown, ...values: unknown[]): unknown {
      for (const value of values) listener(textOf(value), where);
      return original.apply(this, values);
    },
  });
}

/** With all that a logger would print of an error: its causes too. */
function textOf(value: unknown): string {
  if (typeof value === 'string') return value;
  return value instanceof Uint8Array ? Buffer.from(value).toString() : inspect(value, { depth: 8 });
}
