import { randomUUID } from 'node:crypto';
import type { RedisClient } from 'nestjs-cert-bound-auth';
import { type RedisCommand, redisDouble, type RedisPackage } from './redis-double.js';

/**
 * Stands in for the list of revocations in a Redis: it does what the scripts do, without their language. test/redis runs them in a
 * real one.
 */
export class RedisLogDouble {
  generation = '';
  dropped = 0;
  /** Entries as they are written, by position. */
  readonly log = new Map<string, number>();
  /** Moments by key. */
  readonly marks = new Map<string, number>();
  /** What the next commands are answered with instead, until it is `undefined`. */
  instead: (() => unknown) | undefined;
  /** Sees each command. */
  watch: (command: RedisCommand) => void = () => undefined;
  /** How many commands have come. */
  commands = 0;
  private last = 0;
  private readonly listeners = new Set<() => void>();

  /** A client of it; `subscribes`: one whose copies hear messages. */
  client(kind: RedisPackage, { subscribes = true } = {}): RedisClient {
    const client = redisDouble(kind, (command) => this.reply(command));
    return subscribes ? Object.assign(client, { duplicate: () => this.copy(kind) }) : client;
  }

  /** How many listen to messages. */
  get heardBy(): number {
    return this.listeners.size;
  }

  private copy(kind: RedisPackage): object {
    let own: (() => void) | undefined;
    const end = (): void => {
      if (own !== undefined) this.listeners.delete(own);
    };
    const listen = (heard: () => void): void => {
      own = heard;
      this.listeners.add(heard);
    };
    const on = new Map<string, () => void>();
    const copy = {
      on: (event: string, listener: () => void) => on.set(event, listener),
      connect: async () => undefined,
      subscribe: async (_: string, heard?: () => void) =>
        listen(heard ?? on.get('message') ?? (() => undefined)),
      disconnect: end,
    };
    return kind === 'redis' ? { ...copy, destroy: end } : copy;
  }

  private reply(command: RedisCommand): unknown {
    this.commands += 1;
    this.watch(command);
    if (this.instead !== undefined) return this.instead();
    const [, script, , , , ...values] = command;
    const text = String(script);
    if (text.includes('ZADD')) return this.append(values.map(String));
    if (text.includes('HSETNX')) return this.create();
    return this.read(Number(values[0]), Number(values[1]));
  }

  private read(position: number, most: number): unknown {
    const found = [...this.log]
      .filter(([, at]) => at >= position)
      .toSorted(([, one], [, other]) => one - other)
      .slice(0, most);
    const [entries, marks] = [found, [...this.marks]].map((all) =>
      all.flatMap(([text, at]) => [text, String(at)]),
    );
    return [this.generation, String(this.dropped), entries, marks];
  }

  private create(): unknown {
    this.generation ||= randomUUID();
    this.tell();
    return this.generation;
  }

  private append([generation, , most, , words, ...all]: readonly string[]): unknown {
    if (generation !== '' && generation !== this.generation) return 'lost';
    const marks = all.slice(0, Number(words));
    for (let index = 0; index < marks.length; index += 2) {
      const [key = '', at] = marks.slice(index, index + 2);
      this.marks.set(key, Math.max(this.marks.get(key) ?? -1, Number(at)));
    }
    const entries = all.slice(Number(words));
    if (most !== '' && entries.length > 0 && this.log.size >= Number(most)) return 'full';
    for (const text of entries) {
      if (this.log.has(text)) continue;
      this.last += 1;
      this.log.set(text, this.last);
    }
    this.tell();
    return 'kept';
  }

  private tell(): void {
    for (const heard of this.listeners) heard();
  }
}
