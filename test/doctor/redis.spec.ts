import { describe, expect, test } from 'vitest';
import { createServer } from 'node:tls';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { command, repliesIn } from '../../lib/doctor/redis-replies.js';
import { createWorld, whenOver } from '../support/world.js';
import { doctor, type Examined, findingsOf, freePort, startSocketServer } from './support.js';

interface Info {
  readonly version?: string;
  readonly policy?: string;
  /** What it says in the place of an answer to PING. */
  readonly refusal?: string;
}

/** What a Redis replies to all commands that came. */
function replies({ version = '7.2.4', policy = 'noeviction', refusal }: Info, received: string): string {
  const bulk = (text: string): string => `$${Buffer.byteLength(text)}\r\n${text}\r\n`;
  const server = bulk(`# Server\r\nredis_version:${version}\r\n`);
  const memory = bulk(`# Memory\r\nmaxmemory_policy:${policy}\r\n`.replace('maxmemory_policy:\r\n', ''));
  const auth = received.includes('AUTH') ? '+OK\r\n' : '';
  return `${auth}${refusal ?? '+PONG'}\r\n${server}${memory}`;
}

async function examine(
  info: Info,
  files: Readonly<Record<string, string>> = {},
  ...args: readonly string[]
): Promise<Examined> {
  const port = await startSocketServer((received) => replies(info, received));
  return doctor(files, ['--redis', `redis://localhost:${port}`, ...args]);
}

interface Situation {
  readonly broken: string;
  readonly examined: () => Promise<Examined>;
  readonly found: RegExp;
  readonly remedy: RegExp;
}

const SITUATIONS: readonly Situation[] = [
  {
    broken: 'it is down',
    examined: async () => doctor({}, ['--redis', `redis://localhost:${await freePort()}`]),
    found: /ECONNREFUSED/,
    remedy: /whether it can be reached/,
  },
  {
    broken: 'it asks for a password',
    examined: async () => examine({ refusal: '-NOAUTH Authentication required.' }),
    found: /it refuses: "NOAUTH Authentication required."/,
    remedy: /--redis-auth-file/,
  },
  {
    broken: 'the password is wrong, and it repeats it',
    examined: async () =>
      examine(
        { refusal: '-WRONGPASS not my-redis-password' },
        { auth: 'app:my-redis-password' },
        '--redis-auth-file',
        '@auth',
      ),
    found: /it refuses: "WRONGPASS not \[token\]"/,
    remedy: /user:password/,
  },
  {
    broken: 'its user may not run PING',
    examined: async () => examine({ refusal: '-NOPERM this user has no permissions' }),
    found: /NOPERM/,
    remedy: /Let this user run PING and INFO/,
  },
  {
    broken: 'it forgets used proofs where memory is short',
    examined: async () => examine({ policy: 'allkeys-lru' }),
    found: /maxmemory-policy is "allkeys-lru"/,
    remedy: /Set maxmemory-policy to noeviction/,
  },
  {
    broken: 'it is too old',
    examined: async () => examine({ version: '5.0.14' }),
    found: /version "5.0.14", and has no GETDEL/,
    remedy: /6\.2 or later/,
  },
  {
    broken: 'it is of a version just too old',
    examined: async () => examine({ version: '6.0.16' }),
    found: /has no GETDEL/,
    remedy: /6\.2 or later/,
  },
  {
    broken: 'it is no Redis',
    examined: async () =>
      doctor({}, ['--redis', `redis://localhost:${await startSocketServer(() => 'HTTP/1.1 400\r\n\r\n')}`]),
    found: /does not speak the protocol/,
    remedy: /whether it can be reached/,
  },
  {
    broken: 'it sends more than any Redis',
    examined: async () =>
      doctor({}, ['--redis', `redis://localhost:${await startSocketServer(() => `+${'x'.repeat(70_000)}`)}`]),
    found: /sends more than any Redis/,
    remedy: /whether it can be reached/,
  },
  {
    broken: 'it does not answer',
    examined: async () =>
      doctor({}, ['--redis', `redis://localhost:${await startSocketServer(() => '')}`, '--timeout', '0.3']),
    found: /did not answer within 300 ms/,
    remedy: /--timeout/,
  },
];

describe('doctor names what is wrong with Redis, and what to do', () => {
  test.each(SITUATIONS)(
    'doctor names the situation of Redis, and a remedy, where $broken',
    async ({ examined, found, remedy }) => {
      const seen = await examined();
      expect(seen.code).toBe(1);
      expect(findingsOf(seen, 'redis')).toContainEqual(
        expect.objectContaining({
          result: 'problem',
          found: expect.stringMatching(found) as string,
          remedy: expect.stringMatching(remedy) as string,
        }),
      );
      expect(seen.out).not.toContain('my-redis-password');
    },
  );

  test('one that keeps what it is given has no problem, with a password and a user or the password alone', async () => {
    for (const auth of ['app:pass-word', 'pass-word', ':pass-word']) {
      const seen = await examine({}, { auth }, '--redis-auth-file', '@auth');
      expect(seen.code).toBe(0);
      expect(findingsOf(seen, 'redis').map(({ found }) => found)).toEqual([
        'it answers, of version "7.2.4"',
        'maxmemory-policy is noeviction',
      ]);
    }
    expect(findingsOf(await examine({ policy: '' }), 'redis')[1]).toMatchObject({ result: 'note' });
  });

  test('over TLS, nothing is sent to one whose certificate is not trusted', async () => {
    const world = await createWorld();
    let received = '';
    const server = createServer({ key: world.server.key, cert: world.server.cert }, (socket) => {
      socket.on('error', () => undefined);
      socket.on('data', (chunk) => {
        received += chunk.toString();
        socket.write(replies({}, chunk.toString()));
      });
    });
    server.on('tlsClientError', () => undefined);
    server.listen(0, 'localhost');
    await once(server, 'listening');
    whenOver(async () => server.close());
    const url = `rediss://localhost:${(server.address() as AddressInfo).port}`;
    const files = { 'ca.pem': world.ca.cert, auth: 'pass-word' };
    const refused = await doctor(files, ['--redis', url, '--redis-auth-file', '@auth']);
    expect(findingsOf(refused, 'redis')).toMatchObject([{ result: 'problem' }]);
    expect(received).toBe('');
    const trusted = await doctor(files, ['--redis', url, '--redis-auth-file', '@auth', '--ca', '@ca.pem']);
    expect(trusted.code).toBe(0);
    expect(received).toContain('AUTH');
  });
});

describe('replies of Redis', () => {
  test('a reply counts when it has come whole, however it is cut', () => {
    const whole = Buffer.from('+PONG\r\n-ERR no\r\n$5\r\nab\r\nc\r\n');
    for (let length = 0; length < whole.length; length++) {
      expect(repliesIn(whole.subarray(0, length)).length).toBeLessThan(3);
    }
    expect(repliesIn(whole)).toEqual([
      { kind: 'text', text: 'PONG' },
      { kind: 'error', message: 'ERR no' },
      { kind: 'text', text: 'ab\r\nc' },
    ]);
    for (const nonsense of ['$-1\r\n', '$x\r\n', '*1\r\n', '\r\n']) {
      expect(() => repliesIn(Buffer.from(nonsense))).toThrow('protocol of Redis');
    }
    expect(command('AUTH', 'pä')).toBe('*2\r\n$4\r\nAUTH\r\n$3\r\npä\r\n');
  });
});
