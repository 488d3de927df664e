import { Logger } from '@nestjs/common';
import { createHash } from 'node:crypto';
import type { IntrospectionStore } from 'nestjs-cert-bound-auth';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { type Introspect, IntrospectionAnswers } from '../../lib/introspection/introspection-cache.js';
import type { IntrospectionAnswer } from '../../lib/introspection/introspection-client.js';
import { SharedIntrospectionCache } from '../../lib/introspection/shared-introspection-cache.js';
import { MapIntrospectionStore } from '../support/map-introspection-store.js';
import { RecordingLogger } from '../support/recording-logger.js';

const SECRET = Buffer.alloc(32, 's');
const SCOPE = 'https://as.example.com\napi';
const TOKEN = 'opaque-token-of-user-1';
const NOW = Date.UTC(2026, 0, 1);

const logger = new RecordingLogger();
beforeEach(() => {
  vi.useFakeTimers({ now: NOW });
  Logger.overrideLogger(logger);
});
afterEach(() => {
  vi.useRealTimers();
  Logger.overrideLogger(false);
  logger.lines.splice(0);
});

const at = (seconds: number): void => {
  vi.setSystemTime(NOW + seconds * 1000);
};

/** An authorization server, and what it was asked. */
interface Server {
  readonly asked: string[];
  readonly introspect: Introspect;
  answer: (token: string) => IntrospectionAnswer;
}

function startServer(answer: Server['answer'] = active): Server {
  const server: Server = {
    answer,
    asked: [],
    introspect: async (token) => {
      server.asked.push(token);
      return server.answer(token);
    },
  };
  return server;
}

const claimsOf = (token: string): Record<string, unknown> => ({
  active: true,
  sub: `subject of ${token}`,
  client_id: 'client-1',
  exp: NOW / 1000 + 600,
  cnf: { 'x5t#S256': 'thumbprint' },
});
const active = (token: string): IntrospectionAnswer => ({ active: true, claims: claimsOf(token) });
const inactive = (): IntrospectionAnswer => ({ active: false, reason: 'token_inactive', cacheable: true });
const expiring = (seconds: unknown) => (): IntrospectionAnswer => ({
  active: true,
  claims: { ...claimsOf(TOKEN), exp: typeof seconds === 'number' ? NOW / 1000 + seconds : seconds },
});

interface InstanceOptions {
  readonly scope?: string;
  readonly secret?: Uint8Array;
  readonly ttl?: number;
  readonly negativeTtl?: number;
}

/** One instance of an API. */
function instance(server: Server, store: IntrospectionStore, options: InstanceOptions = {}): Introspect {
  const { scope = SCOPE, secret = SECRET, ttl = 60, negativeTtl = 10 } = options;
  const settings = { ttl, negativeTtl, maxEntries: 100, shared: { store, secret } };
  return new IntrospectionAnswers(server.introspect, scope, settings).ask;
}

describe('answers are shared by instances', () => {
  test('an answer that one instance has got is known to another one', async () => {
    const [server, store] = [startServer(), new MapIntrospectionStore()];
    const first = await instance(server, store)(TOKEN);
    expect(await instance(server, store)(TOKEN)).toEqual(first);
    expect(first).toEqual(active(TOKEN));
    expect(server.asked).toEqual([TOKEN]);
  });

  test('an answer that an instance knows is looked for nowhere else, and many look-ups at once are one', async () => {
    const [server, store] = [startServer(), new MapIntrospectionStore()];
    const lookUp = instance(server, store);
    await Promise.all(Array.from({ length: 10 }, async () => lookUp(TOKEN)));
    await lookUp(TOKEN);
    expect([server.asked.length, store.reads]).toEqual([1, 1]);
    const other = instance(server, store);
    await Promise.all(Array.from({ length: 10 }, async () => other(TOKEN)));
    await other(TOKEN);
    expect([server.asked.length, store.reads]).toEqual([1, 2]);
  });

  test('an inactive answer is shared too, with its reason', async () => {
    const refused = {
      active: false,
      reason: 'introspection_refused',
      detail: 'the introspection endpoint answered 400 "unsupported_token_type"',
      cacheable: true,
    } as const;
    const [server, store] = [startServer(() => refused), new MapIntrospectionStore()];
    await instance(server, store)(TOKEN);
    expect(await instance(server, store)(TOKEN)).toEqual(refused);
    expect(server.asked).toHaveLength(1);
  });

  test('an answer that must not be given again is not shared, and neither is an outage', async () => {
    const [server, store] = [startServer(), new MapIntrospectionStore()];
    server.answer = () => ({ active: false, reason: 'introspection_refused', cacheable: false });
    await instance(server, store)(TOKEN);
    server.answer = () => {
      throw new Error('outage');
    };
    await expect(instance(server, store)(TOKEN)).rejects.toThrow('outage');
    expect(store.keys).toEqual([]);
  });

  test.each([
    ['secret', { secret: Buffer.alloc(32, 'o') }],
    ['client id', { scope: 'https://as.example.com\nother' }],
    ['server', { scope: 'https://other.example.com\napi' }],
  ])('instances with another %s share nothing', async (_, other) => {
    const [server, store] = [startServer(), new MapIntrospectionStore()];
    await instance(server, store)(TOKEN);
    await instance(server, store, other)(TOKEN);
    expect(server.asked).toHaveLength(2);
    expect(new Set(store.keys).size).toBe(2);
  });
});

describe('invariant 5: a shared answer is kept no longer than one of our own', () => {
  test('a revoked token is refused when ttl is over, whatever the store still has', async () => {
    const [server, store] = [startServer(), new MapIntrospectionStore()];
    await instance(server, store)(TOKEN);
    server.answer = inactive;
    const late = instance(server, store);
    at(59.999);
    expect(await late(TOKEN)).toMatchObject({ active: true });
    at(60);
    expect(await late(TOKEN)).toEqual(inactive());
    expect(store.lifetimes).toEqual([60, 10]);
  });

  test('a shared answer is never used past exp', async () => {
    const [server, store] = [startServer(expiring(30)), new MapIntrospectionStore()];
    await instance(server, store)(TOKEN);
    at(29.999);
    await instance(server, store)(TOKEN);
    expect(server.asked).toHaveLength(1);
    at(30);
    await instance(server, store)(TOKEN);
    expect(server.asked).toHaveLength(2);
    expect(store.lifetimes).toEqual([30]);
  });

  test.each([undefined, '1', null, 0, -1])('an answer whose exp is %s is not shared', async (exp) => {
    const [server, store] = [startServer(expiring(exp)), new MapIntrospectionStore()];
    await instance(server, store)(TOKEN);
    expect(store.keys).toEqual([]);
  });

  test('an inactive answer is shared for negativeTtl', async () => {
    const [server, store] = [startServer(inactive), new MapIntrospectionStore()];
    await instance(server, store)(TOKEN);
    server.answer = active;
    at(9.999);
    expect(await instance(server, store)(TOKEN)).toEqual(inactive());
    at(10);
    expect(await instance(server, store)(TOKEN)).toMatchObject({ active: true });
  });

  test('each instance goes by its own ttl', async () => {
    const [server, store] = [startServer(), new MapIntrospectionStore()];
    await instance(server, store, { ttl: 500 })(TOKEN);
    at(61);
    await instance(server, store, { ttl: 500 })(TOKEN);
    expect(server.asked).toHaveLength(1);
    await instance(server, store, { ttl: 60 })(TOKEN);
    expect(server.asked).toHaveLength(2);
  });

  test('an answer from the future is ignored', async () => {
    const [server, store] = [startServer(), new MapIntrospectionStore()];
    at(0.001);
    await instance(server, store)(TOKEN);
    at(0);
    await instance(server, store)(TOKEN);
    expect(server.asked).toHaveLength(2);
    await instance(server, store)(TOKEN);
    expect(server.asked).toHaveLength(2);
  });

  test('the store is told a whole number of seconds, and nothing with ttl: 0', async () => {
    const [server, store] = [startServer(), new MapIntrospectionStore()];
    await instance(server, store, { ttl: 0.2 })('one');
    await instance(server, store, { ttl: 2.5 })('two');
    await instance(server, store, { ttl: 0 })('three');
    expect(store.lifetimes).toEqual([1, 3]);
  });
});

describe('invariant 6: whoever reads the store learns nothing', () => {
  test('the keys and values in the store hold neither token nor digest nor claim', async () => {
    const [server, store] = [startServer(), new MapIntrospectionStore()];
    await instance(server, store)(TOKEN);
    const digest = createHash('sha256').update(TOKEN).digest();
    const telling = [
      TOKEN,
      ...(['hex', 'base64', 'base64url'] as const).map((encoding) => digest.toString(encoding)),
      'subject of',
      'client-1',
      'thumbprint',
      'active',
      'as.example.com',
    ];
    for (const text of telling) {
      expect(store.dump).not.toContain(text);
      expect(Buffer.from(store.dump, 'base64url').toString('latin1')).not.toContain(text);
    }
    expect(store.keys).toEqual([expect.stringMatching(/^[\w-]{43}$/)]);
  });

  test('one answer is never encrypted in the same way twice', async () => {
    const [server, store] = [startServer(), new MapIntrospectionStore()];
    await instance(server, store)(TOKEN);
    const first = store.dump;
    store.tamper(() => '');
    await instance(server, store)(TOKEN);
    expect(store.keys).toHaveLength(1);
    expect(store.dump).not.toBe(first);
    // IV, tag and ciphertext: all are others.
    const parts = [first, store.dump].map((dump) => Buffer.from(dump.split('\n')[1] ?? '', 'base64url'));
    expect(new Set(parts.map((bytes) => bytes.subarray(0, 12).toString('hex'))).size).toBe(2);
  });
});

describe('whoever writes to the store cannot make up an answer', () => {
  const flip = (position: number) => (value: string) => {
    const bytes = Buffer.from(value, 'base64url');
    const index = position < 0 ? bytes.length + position : position;
    bytes[index] = (bytes[index] ?? 0) ^ 1;
    return bytes.toString('base64url');
  };

  test.each<[string, (value: string) => string]>([
    ['with another IV', flip(0)],
    ['with another tag', flip(12)],
    ['whose tag ends otherwise', flip(27)],
    ['with another first byte', flip(28)],
    ['with another last byte', flip(-1)],
    ['cut by a byte', (value) => Buffer.from(value, 'base64url').subarray(0, -1).toString('base64url')],
    [
      'cut to its IV and tag',
      (value) => Buffer.from(value, 'base64url').subarray(0, 28).toString('base64url'),
    ],
    [
      'cut to its IV and part of its tag',
      (value) => Buffer.from(value, 'base64url').subarray(0, 20).toString('base64url'),
    ],
    ['cut to part of its IV', (value) => value.slice(0, 8)],
    ['that is empty', () => ''],
    ['that is an answer in plain text', () => JSON.stringify({ answer: active(TOKEN), answeredAt: NOW })],
    ['that is no base64url', () => '?'.repeat(100)],
  ])('a value %s is ignored', async (_, change) => {
    const [server, store] = [startServer(), new MapIntrospectionStore()];
    await instance(server, store)(TOKEN);
    store.tamper(change);
    server.answer = inactive;
    expect(await instance(server, store)(TOKEN)).toEqual(inactive());
    expect(server.asked).toHaveLength(2);
  });

  test('the answer about one token cannot be passed off as that about another', async () => {
    const [server, store] = [startServer(), new MapIntrospectionStore()];
    await instance(server, store)('valid');
    const valid = store.dump.split('\n')[1] ?? '';
    server.answer = inactive;
    await instance(server, store)(TOKEN);
    store.tamper(() => valid);
    expect(await instance(server, store)(TOKEN)).toEqual(inactive());
    expect(server.asked).toEqual(['valid', TOKEN, TOKEN]);
    expect(await instance(server, store)('valid')).toEqual(active('valid'));
  });

  test('the answer about a token cannot be moved from one client of the server to another', async () => {
    const [server, store] = [startServer(), new MapIntrospectionStore()];
    await instance(server, store)(TOKEN);
    const value = store.dump.split('\n')[1] ?? '';
    server.answer = inactive;
    const other = { scope: 'https://as.example.com\nother' };
    await instance(server, store, other)(TOKEN);
    store.tamper(() => value);
    expect(await instance(server, store, other)(TOKEN)).toEqual(inactive());
  });

  test.each([
    ['no answer', undefined],
    ['an answer that is neither active nor inactive', {}],
    ['active as text', { active: 'true', claims: {} }],
    ['active as other text', { active: 'no', cacheable: true }],
    ['no claims', { active: true }],
    ['claims that are a list', { active: true, claims: [] }],
    ['a signed answer that is no text', { active: true, claims: {}, signed: { a: 1 } }],
    ['a signed answer that is null', { active: true, claims: {}, signed: null }],
    ['an inactive answer that must not be given again', { active: false, cacheable: false }],
  ])('a value made with the secret is still ignored when it has %s', async (_, answer) => {
    const cache = new SharedIntrospectionCache({ store: new MapIntrospectionStore(), secret: SECRET }, SCOPE);
    await cache.set(TOKEN, { answer: answer as never, answeredAt: NOW }, NOW + 60_000);
    expect(await cache.get(TOKEN)).toBeUndefined();
    expect(logger.lines.map(({ text }) => text)).toEqual([
      'the shared introspection cache could not be read: it holds no introspection answer',
    ]);
  });

  test.each([undefined, '0', null])(
    'a value made with the secret is still ignored when the time of its answer is %s',
    async (answeredAt) => {
      const cache = new SharedIntrospectionCache(
        { store: new MapIntrospectionStore(), secret: SECRET },
        SCOPE,
      );
      await cache.set(TOKEN, { answer: active(TOKEN), answeredAt: answeredAt as never }, NOW + 60_000);
      expect(await cache.get(TOKEN)).toBeUndefined();
      await cache.set(TOKEN, { answer: active(TOKEN), answeredAt: NOW }, NOW + 60_000);
      expect(await cache.get(TOKEN)).toEqual({ answer: active(TOKEN), answeredAt: NOW });
    },
  );
});

test('instances of two versions understand each other during an update, because the stored form is fixed', async () => {
  // Made by HKDF (RFC 5869), HMAC and AES-256-GCM as they are, not by this module.
  const entries = new Map([
    [
      'mQV2W3EmokF5-vVgZHKueTA1R9IW3hvBRtf7g0FKkkE',
      'aWlpaWlpaWlpaWlp68d2xFDmvyxtb1R7xf7jsYu5UeUOcT_HrhL459Rno2O9dE9ae0pqJlsfr9ziQcduf0j471W1b3NJw2rLoxD7gG7JYxK5jjkywbDtq9PYokxDr-cqFzOag2tfw5UXNPfOKZbNVv6HbacAVoOjBDb4rSA',
    ],
  ]);
  const store = { get: async (key: string) => entries.get(key), set: async () => undefined };
  expect(await instance(startServer(), store)(TOKEN)).toEqual(inactive());
});

describe('an outage of the store refuses nobody', () => {
  const never = async (): Promise<never> => new Promise(() => undefined);
  const down = async (): Promise<never> => Promise.reject(new Error('connect ECONNREFUSED'));
  const stores: readonly [string, IntrospectionStore][] = [
    ['rejects', { get: down, set: down }],
    ['answers what is no text', { get: async () => ({ active: true }) as never, set: down }],
    ['answers null', { get: async () => null as never, set: down }],
    [
      'throws at once',
      {
        get: () => {
          throw new Error('closed');
        },
        set: () => {
          throw new Error('closed');
        },
      },
    ],
  ];

  test.each(stores)('the server is asked instead of a store that %s', async (_, store) => {
    const server = startServer();
    const lookUp = instance(server, store);
    expect(await lookUp(TOKEN)).toEqual(active(TOKEN));
    expect(await lookUp(TOKEN)).toEqual(active(TOKEN));
    expect(server.asked).toHaveLength(1);
  });

  test('the server is asked after a second when the store never answers', async () => {
    const server = startServer();
    const answer = instance(server, { get: never, set: never })(TOKEN);
    await vi.advanceTimersByTimeAsync(999);
    expect(server.asked).toEqual([]);
    await vi.advanceTimersByTimeAsync(1);
    expect(await answer).toEqual(active(TOKEN));
    expect(vi.getTimerCount()).toBe(0);
    expect(logger.lines.map(({ text }) => text)).toEqual([
      'the shared introspection cache could not be read: the store did not answer within 1000 ms',
    ]);
  });

  test('nobody waits until an answer is written', async () => {
    const server = startServer();
    const store = { get: async () => undefined, set: never };
    expect(await instance(server, store)(TOKEN)).toEqual(active(TOKEN));
  });

  test('the log reports an outage of the store once a minute at most, without key, value and token', async () => {
    const server = startServer(inactive);
    const store: IntrospectionStore = {
      get: async (key) => Promise.reject(new Error(`NOPERM key cert-bound-auth:introspection:${key}`)),
      set: async (key, value) => Promise.reject(new Error(`OOM ${value} ${key}`)),
    };
    const lookUp = instance(server, store, { negativeTtl: 0 });
    for (const seconds of [0, 10, 20, 59.999]) {
      at(seconds);
      await lookUp(TOKEN);
    }
    const line = {
      level: 'warn',
      text: 'the shared introspection cache could not be read: NOPERM key cert-bound-auth:introspection:…',
      context: 'CertBoundAuth',
    };
    expect(logger.lines).toEqual([line]);
    at(60);
    await lookUp(TOKEN);
    expect(logger.lines).toEqual([line, line]);
  });

  test('the log says what could not be written, cut to a limit', async () => {
    const store: IntrospectionStore = {
      get: async () => undefined,
      set: async (key, value) => Promise.reject(new Error(`OOM ${value} ${key} ${'long '.repeat(100)}`)),
    };
    await instance(startServer(), store)(TOKEN);
    await vi.advanceTimersByTimeAsync(0);
    const [{ text } = { text: '' }] = logger.lines;
    const beginning = 'the shared introspection cache could not be written to: ';
    expect(text).toMatch(/: OOM … … long long/);
    expect(text).toHaveLength(beginning.length + 300);
    expect(logger.lines).toHaveLength(1);
  });

  test('the log says that a value could not be opened, because somebody must have changed it', async () => {
    const [server, store] = [startServer(), new MapIntrospectionStore()];
    await instance(server, store)(TOKEN);
    expect(logger.lines).toEqual([]);
    store.tamper((value) => value.slice(1));
    await instance(server, store)(TOKEN);
    expect(logger.lines.map(({ text }) => text)).toEqual([
      expect.stringMatching(/could not be read: .*authenticat/),
    ]);
  });
});
