import { spawn } from 'node:child_process';
import { createPublicKey } from 'node:crypto';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { readFile, symlink } from 'node:fs/promises';
import { type AddressInfo, connect } from 'node:net';
import { join } from 'node:path';
import { createServer, request } from 'node:https';
import { Logger } from '@nestjs/common';
import { jwtVerify } from 'jose';
import { afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import type { TestAuthorizationServer } from 'nestjs-cert-bound-auth/testing';
import { headersOf } from '../forward-auth/support/endpoint.js';
import { call } from '../forward-auth/support/http-client.js';
import { startEgressProxy } from '../support/egress-proxy.js';
import { eventually } from '../support/eventually.js';
import { AUDIENCE, createWorld, startAuthorizationServer, whenOver, type World } from '../support/world.js';
import { type CommandRun, folderWith, run, start } from './support.js';

let world: World;
beforeAll(async () => {
  world = await createWorld();
});
// The server logs what it refuses.
beforeAll(() => {
  vi.spyOn(process.stdout, 'write').mockReturnValue(true);
});
afterEach(() => Logger.overrideLogger(false));

const DAY_MS = 86_400_000;

interface Config {
  readonly [option: string]: unknown;
  readonly authorizationServers: readonly object[];
}

function configFor(as: TestAuthorizationServer, listen: object): Config {
  return {
    listen,
    trustedProxies: ['loopback', 'unix'],
    audience: AUDIENCE,
    authorizationServers: [{ issuer: as.issuer, tls: { ca: { file: 'ca.pem' } } }],
    policies: { any: {} },
  };
}

/** Starts a server that ends with the test, and waits until it listens. */
async function serve(
  config: object,
  files: Readonly<Record<string, string>> = {},
): Promise<{ command: CommandRun; address: string; folder: string }> {
  const { key, cert } = world.server;
  const folder = await folderWith({
    'config.json': JSON.stringify(config),
    'ca.pem': world.ca.cert,
    'key.pem': key,
    'cert.pem': cert,
    ...files,
  });
  const command = start('serve', join(folder, 'config.json'));
  whenOver(async () => {
    command.stop();
    await command.ended;
  });
  await eventually(() => command.printed.length > 0 || command.complaints.length > 0);
  expect(command.complaints).toEqual([]);
  return { command, address: command.printed[0]?.replace('listening on ', '') ?? '', folder };
}

describe('the command serve', () => {
  test('RFC8705-1: serve answers a proxy over plain HTTP', async () => {
    const as = await startAuthorizationServer(world);
    const { address } = await serve(configFor(as, { port: 0 }));
    expect(address).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/);
    const { port } = new URL(address);
    const token = await as.accessToken({ certificate: world.client1 });
    const ask = async (certificate: typeof world.client1): Promise<number> =>
      (await call({ port }, { path: '/auth/any', headers: headersOf({ token, certificate }) })).status;
    expect([await ask(world.client1), await ask(world.client2)]).toEqual([200, 401]);
    expect((await call({ port }, { path: '/' })).status).toBe(404);
  });

  test('RFC9728-1, RFC9728-10: serve tells everyone of the API of a policy, signed with the key of a file', async () => {
    const as = await startAuthorizationServer(world);
    const resource = 'https://api.example.com/payments';
    const signWith = { key: { file: 'key.pem' }, algorithm: 'ES256', issuer: 'https://api.example.com' };
    const { address } = await serve({
      ...configFor(as, { port: 0 }),
      trustedProxies: ['192.0.2.1'],
      policies: { any: { protectedResource: { resource, signWith } } },
    });
    const path = '/.well-known/oauth-protected-resource/payments';
    const document = await call({ port: new URL(address).port }, { path });
    const { signed_metadata: signed } = JSON.parse(document.body) as { readonly signed_metadata: string };
    const { payload } = await jwtVerify(signed, createPublicKey(world.server.key));
    expect([document.status, payload]).toMatchObject([200, { resource, iss: 'https://api.example.com' }]);
    expect((await call({ port: new URL(address).port }, { path: '/auth/any' })).status).toBe(403);
  });

  test('serve fetches keys through the proxy that its configuration names', async () => {
    const HOST = 'as.bank.invalid';
    const { key, cert } = await world.ca.issueServerCertificate({ hosts: [HOST] });
    const as = await startAuthorizationServer(world);
    const named = createServer({ key, cert }, ({ url }, response) => {
      const keys = { keys: [as.signingKey.jwk] };
      const metadata = { issuer: `https://${HOST}`, jwks_uri: `https://${HOST}/jwks` };
      response.end(JSON.stringify(url === '/jwks' ? keys : metadata));
    }).listen(0, '127.0.0.1');
    await once(named, 'listening');
    whenOver(async () => named.close());
    const proxy = await startEgressProxy((named.address() as AddressInfo).port);
    vi.stubEnv('SERVE_TEST_PROXY', proxy.url.replace('//', '//api:s3cret@'));
    whenOver(async () => void vi.unstubAllEnvs());
    const [server] = configFor(as, {}).authorizationServers;
    const { address } = await serve({
      ...configFor(as, { port: 0 }),
      authorizationServers: [
        { ...server, issuer: `https://${HOST}`, http: { proxy: { env: 'SERVE_TEST_PROXY' } } },
      ],
    });
    const token = await as.accessToken({ certificate: world.client1, claims: { iss: `https://${HOST}` } });
    const headers = headersOf({ token, certificate: world.client1 });
    expect((await call({ port: new URL(address).port }, { path: '/auth/any', headers })).status).toBe(200);
    const credentials = `Basic ${Buffer.from('api:s3cret').toString('base64')}`;
    expect(proxy.tunnels[0]).toEqual({ to: `${HOST}:443`, credentials });
  });

  test('RFC8705-1: serve accepts a long token and a certificate in one request', async () => {
    const as = await startAuthorizationServer(world);
    const { address } = await serve(configFor(as, { port: 0 }));
    const { port } = new URL(address);
    const claims = { groups: Array.from({ length: 750 }, (_, index) => `group-${index}`) };
    const token = await as.accessToken({ certificate: world.client1, claims });
    const headers = headersOf({ token, certificate: world.client1, headers: { cookie: 'c'.repeat(20_000) } });
    expect(token.length).toBeGreaterThan(10_000);
    expect((await call({ port }, { path: '/auth/any', headers })).status).toBe(200);
  });

  test('RFC8705-1: serve answers on a unix socket, and replaces the one that a killed server has left', async () => {
    const as = await startAuthorizationServer(world);
    const place = await folderWith({});
    const path = join(place, 'auth.sock');
    await leaveSocket(path);
    const { command, address } = await serve(configFor(as, { unix: path }));
    expect(address).toBe(path);
    const token = await as.accessToken({ certificate: world.client1 });
    const headers = headersOf({ token, certificate: world.client1 });
    expect((await call({ socketPath: path }, { path: '/auth/any', headers })).status).toBe(200);
    command.stop();
    expect(await command.ended).toBe(0);
    expect(existsSync(path)).toBe(false);
  });

  test('invariant 2: serve trusts a proxy by the certificate that it proves, and no other peer', async () => {
    const as = await startAuthorizationServer(world);
    const tls = { key: { file: 'key.pem' }, cert: { file: 'cert.pem' }, ca: { file: 'ca.pem' } };
    const trustedProxies = [{ certificateThumbprint: world.client2.thumbprint }];
    const { address } = await serve({ ...configFor(as, { port: 0 }), tls, trustedProxies });
    expect(address).toMatch(/^https:/);
    const token = await as.accessToken({ certificate: world.client1 });
    const headers = headersOf({ token, certificate: world.client1 });
    const ask = async ({ key, cert }: typeof world.client1): Promise<number | undefined> => {
      const outgoing = request(`${address}/auth/any`, {
        headers,
        key,
        cert,
        ca: world.ca.cert,
        agent: false,
      }).end();
      const [response] = (await once(outgoing, 'response')) as [{ statusCode?: number; resume(): void }];
      response.resume();
      return response.statusCode;
    };
    expect([await ask(world.client2), await ask(world.client1)]).toEqual([200, 403]);
  });

  test('invariant 8: serve does not start with a wrong configuration, and names every fault', async () => {
    const folder = await folderWith({ 'config.json': '{"listen":{"port":0}}' });
    const { code, out, err } = await run('serve', join(folder, 'config.json'));
    expect([code, out]).toEqual([1, '']);
    expect(err).toContain('trustedProxies (undefined)');
    expect(err).toContain('policies (undefined)');
  });

  test('serve does not start where another server listens', async () => {
    const as = await startAuthorizationServer(world);
    const first = await serve(configFor(as, { port: 0 }));
    const folder = await folderWith({
      'config.json': JSON.stringify(configFor(as, { port: Number(new URL(first.address).port) })),
      'ca.pem': world.ca.cert,
    });
    const { code, err } = await run('serve', join(folder, 'config.json'));
    expect([code, err]).toEqual([1, expect.stringContaining('EADDRINUSE')]);
  });

  test('serve does not take away the socket of a running server', async () => {
    const as = await startAuthorizationServer(world);
    const path = join(await folderWith({}), 'auth.sock');
    await serve(configFor(as, { unix: path }));
    const folder = await folderWith({
      'config.json': JSON.stringify(configFor(as, { unix: path })),
      'ca.pem': world.ca.cert,
    });
    const { code, err } = await run('serve', join(folder, 'config.json'));
    expect([code, err]).toEqual([1, expect.stringContaining('EADDRINUSE')]);
    expect((await call({ socketPath: path }, { path: '/auth/any' })).status).toBe(401);
  });

  test('serve removes nothing but a socket', async () => {
    const as = await startAuthorizationServer(world);
    const place = await folderWith({ notes: 'kept' });
    await symlink(join(place, 'notes'), join(place, 'link'));
    for (const path of [place, join(place, 'notes'), join(place, 'link')]) {
      const folder = await folderWith({
        'config.json': JSON.stringify(configFor(as, { unix: path })),
        'ca.pem': world.ca.cert,
      });
      const { code, err } = await run('serve', join(folder, 'config.json'));
      const remedy = `listen.unix: ${path} is there and is no socket: remove it, or name another path`;
      expect([code, err]).toEqual([1, `error: ${remedy}`]);
    }
    expect(await readFile(join(place, 'link'), 'utf8')).toBe('kept');
  });

  test('serve warns at its start of a certificate of its own that expires soon', async () => {
    const as = await startAuthorizationServer(world);
    const lines: string[] = [];
    const written = vi.spyOn(process.stdout, 'write');
    written.mockImplementation((line) => lines.push(String(line)) > 0);
    whenOver(async () => void written.mockReturnValue(true));
    const tls = { key: { file: 'soon.key' }, cert: { file: 'soon.pem' }, ca: { file: 'ca.pem' } };
    const soon = await world.ca.issueServerCertificate({ notAfter: new Date(Date.now() + 1.5 * DAY_MS) });
    const files = { 'soon.key': soon.key, 'soon.pem': soon.cert };
    const { command } = await serve({ ...configFor(as, { port: 0 }), tls }, files);
    command.stop();
    await command.ended;
    expect(lines.join('')).toContain('the certificate of this server "CN=localhost" expires in 1 days, on ');
  });

  test('serve ends within ten seconds even when a TLS peer says nothing', async () => {
    const as = await startAuthorizationServer(world);
    const tls = { key: { file: 'key.pem' }, cert: { file: 'cert.pem' }, ca: { file: 'ca.pem' } };
    const { command, address } = await serve({ ...configFor(as, { port: 0 }), tls });
    const silent = connect(Number(new URL(address).port), '127.0.0.1').on('error', () => undefined);
    whenOver(async () => silent.destroy());
    const gone = once(silent, 'close');
    await once(silent, 'connect');
    // Connections are accepted in their order: when a later one is answered, the silent one is known.
    const { key, cert } = world.client1;
    const later = request(address, { key, cert, ca: world.ca.cert, agent: false }).end();
    const [response] = (await once(later, 'response')) as [{ resume(): void }];
    response.resume();
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    whenOver(async () => vi.useRealTimers());
    command.stop();
    await vi.advanceTimersByTimeAsync(9_999);
    expect(silent.closed).toBe(false);
    await vi.advanceTimersByTimeAsync(1);
    await gone;
    expect(await command.ended).toBe(0);
  });

  test('serve ends when the requests under way are answered', async () => {
    const as = await startAuthorizationServer(world);
    const { command, address } = await serve(configFor(as, { port: 0 }));
    as.behave('jwks', 'hang');
    const { port } = new URL(address);
    const token = await as.accessToken({ certificate: world.client1 });
    const answer = call(
      { port },
      { path: '/auth/any', headers: headersOf({ token, certificate: world.client1 }) },
    );
    await eventually(() => as.count('jwks') === 1);
    command.stop();
    expect((await answer).status).toBe(503);
    expect(await command.ended).toBe(0);
  });
});

/** Leaves a socket at which nobody answers, as a server that is killed does. */
async function leaveSocket(path: string): Promise<void> {
  const script = `require('node:net').createServer().listen(${JSON.stringify(path)}, () => process.kill(process.pid, 'SIGKILL'))`;
  await once(spawn(process.execPath, ['-e', script]), 'exit');
  expect(existsSync(path)).toBe(true);
}
