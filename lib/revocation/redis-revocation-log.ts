import { randomUUID } from 'node:crypto';
import type { RevocationEntry } from '../cert-bound-auth.options.js';
import type { RedisConnection, ScriptReply } from '../redis/redis-connection.js';
import { NEVER_AGAIN } from './revocation-entry.js';
import { isMark } from './revocation-mark.js';

/** What Redis holds behind some position. */
export interface LogPage {
  /** Which log it is; empty where there is none. */
  readonly generation: string;
  /** Entries before this position have been dropped, for they were over. */
  readonly dropped: number;
  /** In the order in which they came; that at the position itself first, where it is still there. */
  readonly entries: readonly PlacedEntry[];
  /** All marks: they are no part of the log, and never dropped. */
  readonly marks: readonly RevocationEntry[];
}

/** An entry, and where it is: a number that grows. */
export interface PlacedEntry {
  readonly position: number;
  readonly entry: RevocationEntry;
}

/** How entries are appended. */
export interface AppendRules {
  /** To this log only; `undefined`: to whatever is there. */
  readonly generation: string | undefined;
  /** Seconds that an entry counts for at most, from when it is appended. */
  readonly lifetime: number;
  /** How many there may be before these; `undefined`: however many. */
  readonly maxEntries: number | undefined;
}

/** What became of entries: `lost` where Redis has another log, or none. */
export type Appended = 'kept' | 'full' | 'lost';

/** Entries of one page. */
export const PAGE = 1_000;

const KEYS = ['log', 'about'];

/**
 * The log of what is revoked, in Redis: a sorted set of entries by position, which is a time in microseconds, and a hash that says
 * which log it is. Every command is one script, so that nobody sees half of it.
 */
export class RedisRevocationLog {
  constructor(
    private readonly redis: RedisConnection,
    private readonly channel: string,
  ) {}

  /** What has come from this position on, the oldest first, one page of it. */
  async read(position: number): Promise<LogPage> {
    const [generation, dropped, entries, marks] = listOf(
      await this.redis.evaluate(READ, KEYS, [String(position), String(PAGE)]),
    );
    return {
      generation: textOf(generation),
      dropped: Number(textOf(dropped)),
      entries: placed(entries),
      marks: marksIn(marks),
    };
  }

  /** Appends entries, and tells everybody. What is there already stays where it is. */
  async append(
    entries: readonly RevocationEntry[],
    { generation, lifetime, maxEntries }: AppendRules,
  ): Promise<Appended> {
    const rules = [generation ?? '', String(Math.ceil(lifetime)), String(maxEntries ?? ''), this.channel];
    const marks = entries.filter(isMark).flatMap(({ key, issuedBefore }) => [key, String(issuedBefore)]);
    const others = entries.filter((entry) => !isMark(entry)).map(written);
    const parts = [...rules, String(marks.length), ...marks, ...others];
    const reply = await this.redis.evaluate(APPEND, KEYS, parts);
    if (reply === 'kept' || reply === 'full' || reply === 'lost') return reply;
    throw nonsense();
  }

  /** Makes the log, where there is none. @returns which one is there then */
  async create(): Promise<string> {
    const generation = textOf(await this.redis.evaluate(CREATE, KEYS, [randomUUID(), this.channel]));
    if (generation === '') throw nonsense();
    return generation;
  }
}

const READ = `
local about = redis.call('HMGET', KEYS[2], 'generation', 'dropped')
local found = redis.call('ZRANGEBYSCORE', KEYS[1], ARGV[1], '+inf', 'WITHSCORES', 'LIMIT', 0, ARGV[2])
local marks = {}
local all = redis.call('HGETALL', KEYS[2])
for index = 1, #all, 2 do
  if string.sub(all[index], 1, 5) == 'mark:' then
    marks[#marks + 1] = string.sub(all[index], 6)
    marks[#marks + 1] = all[index + 1]
  end
end
return { about[1] or '', about[2] or '0', found, marks }`;

const CREATE = `
redis.call('HSETNX', KEYS[2], 'generation', ARGV[1])
redis.call('PUBLISH', ARGV[2], '')
return redis.call('HGET', KEYS[2], 'generation')`;

/** An instance that keeps entries for longer keeps those of the others for as long, too. */
const APPEND = `
if ARGV[1] ~= '' and redis.call('HGET', KEYS[2], 'generation') ~= ARGV[1] then return 'lost' end
local first = 6 + ARGV[5]
for index = 6, first - 1, 2 do
  local name = 'mark:' .. ARGV[index]
  local known = redis.call('HGET', KEYS[2], name) or '-1'
  if tonumber(known) < tonumber(ARGV[index + 1]) then redis.call('HSET', KEYS[2], name, ARGV[index + 1]) end
end
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local about = redis.call('HMGET', KEYS[2], 'lifetime', 'last')
local lifetime = math.max(ARGV[2], about[1] or 0)
local over = string.format('%.0f', now - lifetime * 1000000)
if redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', over) > 0 then redis.call('HSET', KEYS[2], 'dropped', over) end
if ARGV[3] ~= '' and first <= #ARGV and redis.call('ZCARD', KEYS[1]) >= tonumber(ARGV[3]) then return 'full' end
local last = math.max(now, (about[2] or 0) + 1)
for index = first, #ARGV do
  last = last + redis.call('ZADD', KEYS[1], 'NX', string.format('%.0f', last), ARGV[index])
end
redis.call('HSET', KEYS[2], 'last', string.format('%.0f', last), 'lifetime', lifetime)
redis.call('PUBLISH', ARGV[4], '')
return 'kept'`;

const WRITTEN = /^([rl])([\w-]{22}|)\.([\w-]{22}|)\.(\d{1,10})\.(\d{1,10})$/;

function written({ kind, key, issuer, issuedBefore, until }: RevocationEntry): string {
  return `${kind === 'revoke' ? 'r' : 'l'}${key}.${issuer}.${issuedBefore}.${until}`;
}

/** What cannot be read may be what refuses a token. @throws Error */
function readWritten(text: string): RevocationEntry {
  const parts = WRITTEN.exec(text);
  if (parts === null) throw new Error('the list of revocations in Redis holds what this version cannot read');
  const [, kind, key, issuer, issuedBefore, until] = parts as unknown as readonly [string, ...Parts];
  return {
    kind: kind === 'r' ? 'revoke' : 'lift',
    key,
    issuer,
    issuedBefore: Number(issuedBefore),
    until: Number(until),
  };
}

type Parts = readonly [kind: string, key: string, issuer: string, issuedBefore: string, until: string];

function placed(found: ScriptReply | undefined): readonly PlacedEntry[] {
  const all = listOf(found).map(textOf);
  const entries: PlacedEntry[] = [];
  for (let index = 0; index < all.length; index += 2) {
    const [text, position] = all.slice(index, index + 2) as [string, string];
    entries.push({ position: Number(position), entry: readWritten(text) });
  }
  return entries;
}

function marksIn(found: ScriptReply | undefined): readonly RevocationEntry[] {
  const all = listOf(found).map(textOf);
  const marks: RevocationEntry[] = [];
  for (let index = 0; index < all.length; index += 2) {
    const [key, at] = all.slice(index, index + 2) as [string, string];
    marks.push(readWritten(`l${key}..${at}.${NEVER_AGAIN}`));
  }
  return marks;
}

function listOf(reply: ScriptReply | undefined): readonly ScriptReply[] {
  if (Array.isArray(reply)) return reply as readonly ScriptReply[];
  throw nonsense();
}

function textOf(reply: ScriptReply | undefined): string {
  if (typeof reply === 'string') return reply;
  throw nonsense();
}

function nonsense(): Error {
  return new Error('Redis replied to a script with what makes no sense');
}
