import { answerWithin } from '../common/time-limit.js';
import { commandsOf, type RedisClient, type RedisCommands } from './redis-client.js';

/** How a client is used. */
export interface RedisConnectionSettings {
  /** What every key begins with. */
  readonly prefix: string;
  /** Milliseconds until a command must be answered: a whole number, 1 to 60000. */
  readonly timeout: number;
}

const LONGEST_TIMEOUT = 60_000;

/** Both clients queue commands while Redis is away; so many of ours may be in that queue. */
const MOST_UNANSWERED = 10_000;

/** A client whose commands are answered in time or not at all, and whose replies are what they should be. */
export class RedisConnection {
  private readonly commands: RedisCommands;
  private unanswered = 0;

  /** @throws TypeError when the client is none; RangeError when the timeout is wrong */
  constructor(
    client: RedisClient,
    private readonly settings: RedisConnectionSettings,
  ) {
    const { prefix, timeout } = settings;
    this.commands = commandsOf(client);
    if (typeof prefix !== 'string') throw new TypeError(`prefix is ${typeof prefix}; give a string`);
    if (!Number.isInteger(timeout) || timeout < 1 || timeout > LONGEST_TIMEOUT) {
      throw new RangeError(
        `timeout is ${String(timeout)}; give a whole number of milliseconds, 1 to ${LONGEST_TIMEOUT}`,
      );
    }
  }

  /** Sets a key unless it is there; says whether it did. @throws Error when it cannot tell */
  async setIfAbsent(key: string, value: string, seconds: number): Promise<boolean> {
    const reply = await this.send(async () =>
      this.commands.setIfAbsent(this.name(key), value, seconds * 1000),
    );
    if (reply !== null && textOf(reply) !== 'OK') throw unexpected(reply);
    return reply !== null;
  }

  /** Sets a key. @throws Error when it could not */
  async set(key: string, value: string, seconds: number): Promise<void> {
    const reply = await this.send(async () => this.commands.set(this.name(key), value, seconds * 1000));
    if (textOf(reply) !== 'OK') throw unexpected(reply);
  }

  /** The value of a key; `undefined` when there is none. @throws Error when it could not be read */
  async get(key: string): Promise<string | undefined> {
    const reply = await this.send(async () => this.commands.get(this.name(key)));
    return reply === null ? undefined : textOf(reply);
  }

  /** The value of a key, which is gone then, in one step; `undefined` when there is none. @throws Error when it cannot tell */
  async getAndDelete(key: string): Promise<string | undefined> {
    const reply = await this.send(async () => this.commands.getAndDelete(this.name(key)));
    return reply === null ? undefined : textOf(reply);
  }

  /**
   * Runs a script, in one step, whose reply is a text or a list of texts and lists.
   * @throws Error when it could not, or cannot tell
   */
  async evaluate(script: string, keys: readonly string[], values: readonly string[]): Promise<ScriptReply> {
    const names = keys.map((key) => this.name(key));
    return replyOf(await this.send(async () => this.commands.evaluate(script, names, values)));
  }

  private name(key: string): string {
    return `${this.settings.prefix}${key}`;
  }

  private async send(command: () => Promise<unknown>): Promise<unknown> {
    if (this.unanswered >= MOST_UNANSWERED)
      throw new Error(`Redis has left ${MOST_UNANSWERED} commands unanswered`);
    this.unanswered += 1;
    const answer = command().finally(() => {
      this.unanswered -= 1;
    });
    return answerWithin(answer, 'Redis', this.settings.timeout);
  }
}

/** What a script replies with. */
export type ScriptReply = string | readonly ScriptReply[];

function replyOf(reply: unknown): ScriptReply {
  return Array.isArray(reply) ? reply.map((part: unknown) => replyOf(part)) : textOf(reply);
}

/** A client may be set up to give bytes for text. */
function textOf(reply: unknown): string {
  if (typeof reply === 'string') return reply;
  if (reply instanceof Uint8Array) return Buffer.from(reply).toString();
  throw unexpected(reply);
}

function unexpected(reply: unknown): Error {
  return new Error(`Redis replied with ${typeof reply} where that makes no sense`);
}
