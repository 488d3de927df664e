import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { NestFactory } from '@nestjs/core';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import { beforeAll, describe, expect, test } from 'vitest';
import { type Platform, PLATFORMS } from '../support/platforms.js';
import { startAuthorizationServer, whenOver } from '../support/world.js';
import { documentedSource, NGINX } from './support/forwarding-proxies.js';
import { apiModule, headersOf, startForwarding } from './support/forwarding-stage.js';
import { createProxyWorld, type ProxyWorld } from './support/proxy-world.js';
import { get, getDirectly } from './support/public-client.js';

let world: ProxyWorld;
beforeAll(async () => {
  world = await createProxyWorld();
});

/** Has an app listen on a unix socket. @returns its path */
async function listenOnSocket(platform: Platform, module: object): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'api-'));
  const path = join(folder, 'api.sock');
  const app = await (platform === 'express' ? listenOnExpress(module, path) : listenOnFastify(module, path));
  whenOver(async () => {
    await app.close();
    await rm(folder, { recursive: true });
  });
  return path;
}

async function listenOnExpress(module: object, path: string): Promise<{ close(): Promise<void> }> {
  const app = await NestFactory.create(module as never, { logger: false });
  await app.listen(path);
  return app;
}

async function listenOnFastify(module: object, path: string): Promise<{ close(): Promise<void> }> {
  const app = await NestFactory.create<NestFastifyApplication>(module as never, new FastifyAdapter(), {
    logger: false,
  });
  await app.listen({ path });
  return app;
}

describe.each(PLATFORMS)('an API on a unix socket, behind nginx, on %s', (platform) => {
  test('INV2: only the proxy may connect to the socket, so whoever connects is the proxy and its header counts', async () => {
    const as = await startAuthorizationServer(world);
    const source = await documentedSource('nginx');
    const clientCertificate = { ...source, trustedProxies: ['unix'] };
    const socketPath = await listenOnSocket(platform, apiModule({ ...as.moduleOptions, clientCertificate }));
    const caller = await startForwarding(NGINX, world, { '127.0.0.1:3000': `unix:${socketPath}` });
    const token = await as.accessToken({ certificate: world.client1 });
    const copy = [['X-SSL-Client-Cert', NGINX.write(world.client1)]] as const;
    const headers = headersOf({ token, headers: copy });

    const right = await get(caller(world.client1), headersOf({ token }));
    expect([right.status, right.body]).toEqual([
      200,
      { thumbprint: world.client1.thumbprint, subject: 'CN=client1', chainVerified: true },
    ]);
    for (const certificate of [world.client2, undefined]) {
      expect((await get(caller(certificate), headersOf({ token }))).status).toBe(401);
      expect((await get(caller(certificate), headers)).status).toBe(401);
    }
    const verdict = ['X-SSL-Client-Verify', 'SUCCESS'] as const;
    expect((await getDirectly({ socketPath }, [...headers, verdict])).status).toBe(200);
  });

  test('INV2: a socket of the app’s own that is not in trustedProxies counts for nothing', async () => {
    const as = await startAuthorizationServer(world);
    const clientCertificate = await documentedSource('nginx');
    const socketPath = await listenOnSocket(platform, apiModule({ ...as.moduleOptions, clientCertificate }));
    const caller = await startForwarding(NGINX, world, { '127.0.0.1:3000': `unix:${socketPath}` });
    const token = await as.accessToken({ certificate: world.client1 });
    expect((await get(caller(world.client1), headersOf({ token }))).status).toBe(401);
  });
});
