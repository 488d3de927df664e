import { createServer, type RequestListener } from 'node:http';
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import type { AddressInfo, Socket } from 'node:net';
import { beforeAll, describe, expect, test } from 'vitest';
import { isAllowedUrl, remedyForHttp } from '../../lib/authorization-server/authorization-server-http.js';
import type { AuthorizationServerHttpSettings } from '../../lib/authorization-server/http-settings.js';
import { SERVER_CALL_CHANNEL } from '../../lib/events/channels.js';
import { resolveOptions } from '../../lib/options/resolve-options.js';
import { eventually } from '../support/eventually.js';
import { createWorld, startAuthorizationServer, whenOver, type World } from '../support/world.js';
import { httpOf } from './http-of.js';

let world: World;
beforeAll(async () => {
  world = await createWorld();
});

/** Starts a plain HTTP server that ends with the test. */
async function startServer(
  listener: RequestListener,
  connected: (socket: Socket) => void = () => undefined,
): Promise<string> {
  const server = createServer(listener).on('connection', connected);
  whenOver(async () => {
    server.closeAllConnections();
    server.close();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
}

describe('which URLs may be called', () => {
  test.each([
    ['https://as.example.com/jwks', true, true],
    ['HTTPS://as.example.com', true, true],
    ['http://as.example.com', false, false],
    ['http://localhost:8080/x', false, true],
    ['http://[::1]/', false, true],
    ['http://127.0.0.1', false, true],
    ['http://127.255.255.254:1', false, true],
    ['http://0x7f.1', false, true],
    ['http://128.0.0.1', false, false],
    ['http://x127.0.0.1.example.com', false, false],
    ['http://127.0.0.1.example.com', false, false],
    ['http://127.example.com', false, false],
    ['http://10.0.0.127', false, false],
    ['http://x.127.0.0.1', false, false],
    ['http://localhost.example.com', false, false],
    ['http://[::2]/', false, false],
    ['ftp://localhost', false, false],
    ['https://user@as.example.com', false, false],
    ['https://:secret@as.example.com', false, false],
    ['as.example.com', false, false],
    ['', false, false],
  ])('the URL %s may be called: %s, and where http: is allowed on loopback: %s', (url, strict, lax) => {
    expect([isAllowedUrl(url, false), isAllowedUrl(url, true)]).toEqual([strict, lax]);
  });

  test.each([
    [
      'http://localhost:8080/realms/bank',
      /^http: needs http\.allowLoopbackHttp: true, which is for development/,
    ],
    ['HTTP://127.0.0.1', /^http: needs http\.allowLoopbackHttp/],
    ['http://[::1]/', /^http: needs http\.allowLoopbackHttp/],
    ['http://keycloak:8080', /^http: is refused, in a private network too: .+ tls\.ca$/],
    ['http://10.0.0.127', /^http: is refused, in a private network too/],
    ['http://localhost.example.com', /^http: is refused, in a private network too/],
    ['http://user@localhost', undefined],
    ['http://local host', undefined],
    ['ftp://localhost', undefined],
    ['https://as.example.com', undefined],
    ['localhost', undefined],
  ])('what to do about the URL %s is told: %s', (url, remedy) => {
    expect(remedyForHttp(url)).toEqual(remedy === undefined ? undefined : expect.stringMatching(remedy));
  });

  test('invariant 3: a published URL that must not be called is an outage, and nothing is sent', async () => {
    let calls = 0;
    const url = await startServer((_request, response) => {
      calls += 1;
      response.end();
    });
    await expect(
      httpOf(world).call(url, { purpose: 'keys', method: 'GET', headers: {} }),
    ).rejects.toMatchObject({
      refusal: { status: 503 },
      reason: 'authorization_server_answer_invalid',
      detail: `not an https: URL: ${JSON.stringify(url)}`,
    });
    expect(calls).toBe(0);
  });
});

describe('an answer of an authorization server', () => {
  test.each([
    ['application/json', 'application/json'],
    ['Application/JSON ; charset=utf-8; a=b', 'application/json'],
    [undefined, ''],
  ])('a content type of %j is read as the media type %j', async (header, contentType) => {
    const url = await startServer((_request, response) => {
      if (header !== undefined) response.setHeader('content-type', header);
      response.statusCode = 418;
      response.end('body');
    });
    const http = httpOf(world, { allowLoopbackHttp: true });
    expect(await http.call(url, { purpose: 'keys', method: 'GET', headers: {} })).toStrictEqual({
      status: 418,
      contentType,
      body: 'body',
      lifetime: undefined,
    });
  });

  test('invariant 3: an answer that does not come is an outage, and the log says which and why', async () => {
    const as = await startAuthorizationServer(world);
    const call = async (method: 'GET' | 'POST', settings = {}): Promise<unknown> =>
      httpOf(world, settings).call(as.jwksUri, { purpose: 'keys', method, headers: {} });
    const outage = (detail: string): object => ({
      refusal: { status: 503 },
      reason: 'authorization_server_unreachable',
      detail: expect.stringContaining(detail),
      cause: expect.any(Error),
    });
    as.behave('jwks', 'hang');
    await expect(call('POST', { timeout: 50 })).rejects.toMatchObject(
      outage(`POST ${as.jwksUri}: TimeoutError: `),
    );
    as.behave('jwks', 'reset');
    await expect(call('GET')).rejects.toMatchObject(outage(`GET ${as.jwksUri}: SocketError: `));
    as.behave('jwks', { status: 200, body: 'x'.repeat(101) });
    await expect(call('GET', { maxResponseSize: 100 })).rejects.toMatchObject(
      outage(`GET ${as.jwksUri}: ResponseExceededMaxSizeError: `),
    );
    expect(await call('GET', { maxResponseSize: 101 })).toMatchObject({ status: 200 });
    await expect(call('GET', { tls: {} })).rejects.toMatchObject(
      outage(`GET ${as.jwksUri}: Error: self-signed certificate in certificate chain`),
    );
  });

  test('invariant 3: an answer that is still awaited at the end is an outage', async () => {
    const as = await startAuthorizationServer(world);
    as.behave('jwks', 'hang');
    const http = httpOf(world);
    const answer = http.call(as.jwksUri, { purpose: 'keys', method: 'GET', headers: {} });
    const outage = expect(answer).rejects.toMatchObject({ reason: 'authorization_server_unreachable' });
    await eventually(() => as.count('jwks') === 1);
    await http.close();
    await outage;
  }, 4_000);
});

/** Counts what is open at a time. */
class Gauge {
  now = 0;
  most = 0;

  readonly count = (socket: Socket): void => {
    this.most = Math.max(this.most, ++this.now);
    socket.on('close', () => void (this.now -= 1));
  };
}

const ask = { purpose: 'introspection', method: 'POST', headers: {}, body: 'token=x' } as const;
const get = { purpose: 'keys', method: 'GET', headers: {} } as const;
const loopback = { allowLoopbackHttp: true };

/** How calls end, by the name of what was wrong. */
async function endings(calls: readonly Promise<unknown>[]): Promise<Record<string, number>> {
  const counts: Record<string, number> = {};
  const ends = calls.map(async (call) =>
    call.then(
      () => 'answered',
      (error: { cause: Error }) => error.cause.name,
    ),
  );
  for (const end of await Promise.all(ends)) counts[end] = (counts[end] ?? 0) + 1;
  return counts;
}

describe('the bounds of calls', () => {
  const resolved = (http?: object): AuthorizationServerHttpSettings | undefined =>
    resolveOptions({
      audience: 'https://api.example.com',
      authorizationServers: [{ issuer: 'https://as.example.com', ...(http === undefined ? {} : { http }) }],
    }).authorizationServers[0]?.http;

  test('the bounds of calls have defaults, and can be set', () => {
    expect(resolved()).toEqual({
      connectTimeout: 3_000,
      timeout: 5_000,
      maxResponseSize: 1_048_576,
      maxConnections: 64,
      allowLoopbackHttp: false,
      tls: {},
    });
    expect(resolved({ maxConnections: 1 })).toMatchObject({ maxConnections: 1 });
    expect(resolved({ maxConnections: 1_024 })).toMatchObject({ maxConnections: 1_024 });
  });

  test.each([0, 1_025, 1.5, '64', null])(
    'INV8: a limit of %j connections stops the boot',
    (maxConnections) => {
      expect(() => resolved({ maxConnections })).toThrow('authorizationServers[0].http.maxConnections');
    },
  );

  test('INV5: a server that hangs gets 1,024 calls over 64 connections from 5,000 callers, who are all answered in time', async () => {
    const gauge = new Gauge();
    const url = await startServer(() => undefined, gauge.count);
    const http = httpOf(world, { ...loopback, timeout: 1_500 });
    const call = async (): Promise<unknown> => http.call(url, ask);
    const begun = performance.now();
    const first = endings(Array.from({ length: 2_000 }, call));
    await eventually(() => gauge.most === 64);
    const others = endings(Array.from({ length: 3_000 }, call));
    expect(Object.keys(await first).toSorted()).toEqual(['CallNotSentError', 'TimeoutError']);
    expect(await others).toEqual({ CallNotSentError: 3_000 });
    expect(performance.now() - begun).toBeLessThan(5_000);
    expect(gauge.most).toBe(64);
  });

  test('INV5: one call too many is refused at once, and the log says why', async () => {
    const url = await startServer(() => undefined);
    const http = httpOf(world, { ...loopback, timeout: 300 });
    const calls = Array.from({ length: 1_024 }, async () => http.call(url, ask).catch(() => undefined));
    await expect(http.call(url, ask)).rejects.toMatchObject({
      refusal: { status: 503 },
      reason: 'authorization_server_unreachable',
      detail: `POST ${url}: CallNotSentError: 1024 calls are under way or wait already`,
    });
    await Promise.all(calls);
  });

  test('calls wait when there are more of them than connections, all are answered, and connections are kept', async () => {
    const gauge = new Gauge();
    let connections = 0;
    const url = await startServer(
      (_request, response) => response.end(),
      (socket) => {
        connections += 1;
        gauge.count(socket);
      },
    );
    const http = httpOf(world, { ...loopback, maxConnections: 4 });
    const calls = Array.from({ length: 200 }, async () => http.call(url, ask));
    expect(await endings(calls)).toEqual({ answered: 200 });
    expect([gauge.most, connections]).toEqual([4, 4]);
  });

  test('the time limit of a call includes the time that it waits', async () => {
    const url = await startServer((_request, response) => {
      setTimeout(() => response.end(), 200).unref();
    });
    const http = httpOf(world, { ...loopback, maxConnections: 1, timeout: 300 });
    const calls = Array.from({ length: 5 }, async () => http.call(url, ask));
    // Had each a limit of its own, they would be answered one after the other.
    const { answered = 0 } = await endings(calls);
    expect(answered).toBeLessThanOrEqual(1);
  });

  test('keys and metadata do not wait behind introspection', async () => {
    const url = await startServer((request, response) => {
      if (request.method === 'GET') response.end('keys');
    });
    const http = httpOf(world, { ...loopback, maxConnections: 1 });
    const waiting = Array.from({ length: 100 }, async () => http.call(url, ask).catch(() => undefined));
    expect(await http.call(url, get)).toMatchObject({ body: 'keys' });
    expect(await http.call(url, { ...get, purpose: 'metadata' })).toMatchObject({ body: 'keys' });
    await http.close();
    await Promise.all(waiting);
  });

  test('a connection is given up for a call that needs another host', async () => {
    const [one, other] = await Promise.all(
      ['one', 'other'].map(async (name) => startServer((_request, response) => response.end(name))),
    );
    const http = httpOf(world, { ...loopback, maxConnections: 1 });
    const urls = [one, other, other, one, other].map(String);
    const answers = await Promise.all(urls.map(async (url) => http.call(url, ask)));
    expect(answers.map(({ body }) => body)).toEqual(['one', 'other', 'other', 'one', 'other']);
    expect(await http.call(String(one), ask)).toMatchObject({ body: 'one' });
  });

  test('invariant 3: calls that wait at the end, and calls after it, are outages', async () => {
    const url = await startServer(() => undefined);
    const http = httpOf(world, { ...loopback, maxConnections: 1 });
    const calls = Array.from({ length: 3 }, async () => http.call(url, ask));
    const ends = endings(calls);
    await http.close();
    expect(await ends).toEqual({ ClientDestroyedError: 1, CallNotSentError: 2 });
    expect(await endings([http.call(url, ask)])).toEqual({ CallNotSentError: 1 });
  });
});

describe('what each call does', () => {
  test('a finished call is published with its purpose, outcome and duration', async () => {
    const url = await startServer((request, response) => {
      if (request.method === 'GET') {
        response.statusCode = 404;
        response.end();
      } else request.socket.destroy();
    });
    const events: unknown[] = [];
    const listener = (event: unknown): void => void events.push(event);
    subscribe(SERVER_CALL_CHANNEL, listener);
    const http = httpOf(world, loopback);
    const begun = performance.now();
    await http.call(url, { ...get, purpose: 'metadata' });
    await http.call(url, ask).catch(() => undefined);
    await http.close();
    await http.call(url, ask).catch(() => undefined);
    unsubscribe(SERVER_CALL_CHANNEL, listener);
    const durations = events.map((event) => (event as { readonly duration: number }).duration);
    expect(Math.min(...durations)).toBeGreaterThanOrEqual(0);
    expect(Math.max(...durations)).toBeLessThanOrEqual(performance.now() - begun);
    const common = { issuer: 'https://as.example.com', duration: expect.any(Number) };
    expect(events).toStrictEqual([
      { ...common, purpose: 'metadata', outcome: 'answered', status: 404 },
      { ...common, purpose: 'introspection', outcome: 'failed', status: undefined },
      { ...common, purpose: 'introspection', outcome: 'not-sent', status: undefined },
    ]);
  });

  test('a call whose host refuses on all its addresses says so in the log', async () => {
    const lookup = (_host: string, _options: object, found: (error: null, all: object[]) => void): void =>
      found(null, [
        { address: '127.0.0.1', family: 4 },
        { address: '127.0.0.2', family: 4 },
      ]);
    const settings = { ...loopback, tls: { lookup, autoSelectFamily: true } } as never;
    // Port 1 (tcpmux) is nobody's nowadays.
    const refused = httpOf(world, settings).call('http://localhost:1/', get);
    await expect(refused).rejects.toMatchObject({
      detail: 'GET http://localhost:1/: AggregateError: ECONNREFUSED',
      cause: expect.any(AggregateError) as Error,
    });
  });

  test('a call leaves no timer behind that would keep the process alive', async () => {
    const url = await startServer((_request, response) => response.end());
    const http = httpOf(world, loopback);
    const timers = (): number => process.getActiveResourcesInfo().filter((kind) => kind === 'Timeout').length;
    await http.call(url, get);
    const before = timers();
    for (let turn = 0; turn < 50; turn += 1) await http.call(url, get);
    expect(timers()).toBeLessThan(before + 25);
  });

  test('a body is read without its byte order mark', async () => {
    const url = await startServer((_request, response) => response.end('\ufeff{"a":"\u00e9"}'));
    expect((await httpOf(world, loopback).call(url, get)).body).toBe('{"a":"\u00e9"}');
  });
});
