import { Logger } from '@nestjs/common';
import { subscribe } from 'node:diagnostics_channel';
import { inspect } from 'node:util';
import { DECISION_CHANNEL, SERVER_CALL_CHANNEL } from '../../../lib/events/channels.js';

/** Gets each text that leaves the process, and the name of the place where it leaves. */
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

/** Wraps a method, so that its arguments are reported before it runs. */
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

/** The text of a value with everything that a logger would print about an error, its causes included. */
function textOf(value: unknown): string {
  if (typeof value === 'string') return value;
  return value instanceof Uint8Array ? Buffer.from(value).toString() : inspect(value, { depth: 8 });
}
