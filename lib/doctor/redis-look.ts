import { connect } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { quoted } from '../common/quoted.js';
import { note, ok, problem, type Seen } from './finding.js';
import { placeOf } from './place.js';
import { command, type RedisReply, repliesIn } from './redis-replies.js';

/** A Redis, and how it is entered. */
export interface RedisSubject {
  /** `redis:` or `rediss:`, without a password. */
  readonly url: URL;
  readonly user: string | undefined;
  readonly password: string | undefined;
  /** CAs of its certificate, PEM. */
  readonly ca: string | undefined;
}

/** Whether Redis answers, and forgets nothing that it must keep. It is asked, and nothing is written. */
export async function seeRedis(redis: RedisSubject, signal: AbortSignal): Promise<readonly Seen[]> {
  const entered = redis.password === undefined ? [] : [auth(redis.user, redis.password)];
  const replies = await exchange(
    redis,
    [...entered, command('PING'), command('INFO', 'server'), command('INFO', 'memory')],
    signal,
  );
  const refused = replies.find(({ kind }) => kind === 'error');
  if (refused !== undefined)
    return [problem(`it refuses: ${quoted(textOf(refused))}`, remedyFor(textOf(refused)))];
  const fields = Object.assign({}, ...replies.map(fieldsOf)) as Readonly<Record<string, string>>;
  return [seeVersion(fields), seeEviction(fields)];
}

function auth(user: string | undefined, password: string): string {
  return user === undefined ? command('AUTH', password) : command('AUTH', user, password);
}

function remedyFor(message: string): string {
  return /^(?:NOAUTH|WRONGPASS|ERR AUTH)/.test(message)
    ? 'Give user:password, or the password alone, in a file by --redis-auth-file.'
    : 'Let this user run PING and INFO, beside SET, GET and GETDEL, which this library uses.';
}

/** Bytes: `INFO` has some thousand. */
const MOST_BYTES = 65_536;

async function exchange(
  { url, ca }: RedisSubject,
  commands: readonly string[],
  signal: AbortSignal,
): Promise<readonly RedisReply[]> {
  const place = placeOf(url, 6379);
  const isTls = url.protocol === 'rediss:';
  const socket = isTls ? connectTls({ ...place, ca, rejectUnauthorized: true }) : connect(place);
  signal.addEventListener('abort', () => socket.destroy());
  return new Promise((resolve, reject) => {
    let bytes = Buffer.alloc(0);
    // Over TLS, nothing is sent before it is known who is there.
    socket.once(isTls ? 'secureConnect' : 'connect', () => socket.write(commands.join('')));
    socket.on('error', reject);
    socket.on('close', () => reject(new Error('it ended the connection')));
    socket.on('data', (chunk) => {
      try {
        bytes = Buffer.concat([bytes, chunk]);
        if (bytes.length > MOST_BYTES) throw new Error('it sends more than any Redis');
        const replies = repliesIn(bytes);
        if (replies.length < commands.length) return;
        resolve(replies);
      } catch (error) {
        reject(error);
      }
      socket.destroy();
    });
  });
}

function textOf(reply: RedisReply): string {
  return reply.kind === 'text' ? reply.text : reply.message;
}

function fieldsOf(reply: RedisReply): Readonly<Record<string, string>> {
  const lines = textOf(reply).split('\r\n');
  return Object.fromEntries(lines.map((line) => [line.replace(/:.*/, ''), line.replace(/^[^:]*:?/, '')]));
}

/** `GETDEL`, by which tickets are used up, is there since 6.2. */
const LEAST_VERSION = 6.2;

function seeVersion({ redis_version: version }: Readonly<Record<string, string>>): Seen {
  return !(Number.parseFloat(String(version)) >= LEAST_VERSION)
    ? problem(`it is of version ${quoted(version)}, and has no GETDEL`, 'Use 6.2 or later.')
    : ok(`it answers, of version ${quoted(version)}`);
}

function seeEviction({ maxmemory_policy: policy }: Readonly<Record<string, string>>): Seen {
  if (policy === 'noeviction') return ok('maxmemory-policy is noeviction');
  if (policy === undefined)
    return note('it does not tell its maxmemory-policy', 'See to it that it is noeviction.');
  return problem(
    `maxmemory-policy is ${quoted(policy)}: where memory is short, used proofs are forgotten, and accepted again`,
    'Set maxmemory-policy to noeviction, or use a Redis of its own.',
  );
}
