import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { beforeAll, describe, expect, test } from 'vitest';
import { isAllowedUrl } from '../../lib/access-token/authorization-server-http.js';
import { eventually } from '../support/eventually.js';
import { createWorld, startAuthorizationServer, whenOver, type World } from '../support/world.js';
import { httpOf } from './http-of.js';

let world: World;
beforeAll(async () => {
  world = await createWorld();
});

/** Starts a plain HTTP server that ends with the test. */
async function startServer(listener: RequestListener): Promise<string> {
  const server = createServer(listener);
  whenOver(async () => {
    server.closeAllConnections();
    server.close();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
}

describe('what may be called', () => {
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
  ])('%s: %s, and where http: is allowed on loopback: %s', (url, strict, lax) => {
    expect([isAllowedUrl(url, false), isAllowedUrl(url, true)]).toEqual([strict, lax]);
  });

  test('invariant 3: another URL, which the server may have published, is an outage; nothing is sent', async () => {
    let calls = 0;
    const url = await startServer((_request, response) => {
      calls += 1;
      response.end();
    });
    await expect(httpOf(world).call(url, { method: 'GET', headers: {} })).rejects.toMatchObject({
      refusal: { status: 503 },
      reason: 'authorization_server_answer_invalid',
      detail: `not an https: URL: ${JSON.stringify(url)}`,
    });
    expect(calls).toBe(0);
  });
});

describe('an answer', () => {
  test.each([
    ['application/json', 'application/json'],
    ['Application/JSON ; charset=utf-8; a=b', 'application/json'],
    [undefined, ''],
  ])('has the media type of %j: %j', async (header, contentType) => {
    const url = await startServer((_request, response) => {
      if (header !== undefined) response.setHeader('content-type', header);
      response.statusCode = 418;
      response.end('body');
    });
    const http = httpOf(world, { allowLoopbackHttp: true });
    expect(await http.call(url, { method: 'GET', headers: {} })).toStrictEqual({
      status: 418,
      contentType,
      body: 'body',
    });
  });

  test('invariant 3: that does not come is an outage, and the log tells which and why', async () => {
    const as = await startAuthorizationServer(world);
    const call = async (method: 'GET' | 'POST', settings = {}): Promise<unknown> =>
      httpOf(world, settings).call(as.jwksUri, { method, headers: {} });
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

  test('invariant 3: that was still awaited at the end is an outage', async () => {
    const as = await startAuthorizationServer(world);
    as.behave('jwks', 'hang');
    const http = httpOf(world);
    const answer = http.call(as.jwksUri, { method: 'GET', headers: {} });
    const outage = expect(answer).rejects.toMatchObject({ reason: 'authorization_server_unreachable' });
    await eventually(() => as.count('jwks') === 1);
    await http.close();
    await outage;
  }, 4_000);
});
