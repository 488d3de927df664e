import { CertBoundAuthModule } from 'nestjs-cert-bound-auth';
import type { TestAuthorizationServer } from 'nestjs-cert-bound-auth/testing';
import { beforeEach, describe, expect, test } from 'vitest';
import { eventually } from '../../support/eventually.js';
import { PLATFORMS } from '../../support/platforms.js';
import { RecordingLogger } from '../../support/recording-logger.js';
import {
  CARRIERS,
  type Carrier,
  connectBy,
  connected,
  portOf,
  refused,
  startGateways,
} from '../../support/websockets.js';
import { createWorld, startAuthorizationServer } from '../../support/world.js';
import { ChatGateway, ran } from './chat.gateway.js';

const world = await createWorld();

beforeEach(() => {
  ran.length = 0;
});

interface Chat {
  readonly as: TestAuthorizationServer;
  readonly port: number;
  readonly logger: RecordingLogger;
}

async function startChat(platform: (typeof PLATFORMS)[number], carrier: Carrier): Promise<Chat> {
  const as = await startAuthorizationServer(world);
  const logger = new RecordingLogger();
  const auth = CertBoundAuthModule.forRoot({ ...as.moduleOptions, clockTolerance: 0 });
  const app = await startGateways(world, platform, carrier, auth, [ChatGateway], { logger });
  return { as, port: portOf(app), logger };
}

const CASES = PLATFORMS.flatMap((platform) => CARRIERS.map((carrier) => [carrier, platform] as const));

describe.each(CASES)('INV12: a gateway by %s on %s', (carrier, platform) => {
  test('the holder of the certificate is let in and answered, and its handlers get its token', async () => {
    const { as, port } = await startChat(platform, carrier);
    const token = await as.accessToken({ certificate: world.client1, scope: 'chat:write' });
    const client = await connected(connectBy(carrier, world, { port, token, certificate: world.client1 }));
    expect(await client.ask('echo', { text: 'hello' })).toEqual({ text: 'hello' });
    expect(await client.ask('echo', 'hello')).toBe('hello');
    expect(await client.ask('who')).toMatch(/^user-1 /);
    expect(await client.ask('write')).toBe('written');
    expect(await client.ask('open')).toBe('open');
    expect(ran).toEqual(['connection', 'echo', 'echo', 'who', 'write', 'open']);
    client.close();
    await eventually(() => ran.includes('disconnect'));
  });

  test('WS-1: whoever is not the holder of a valid token is refused by HTTP, and no gateway hears of it', async () => {
    const { as, port, logger } = await startChat(platform, carrier);
    const token = await as.accessToken({ certificate: world.client1 });
    const expired = await as.accessToken({ certificate: world.client1, lifetime: -60 });
    const unbound = await as.accessToken({});
    for (const [options, reason] of [
      [{ certificate: world.client1 }, 'credentials_missing'],
      [{ token, certificate: world.client2 }, 'certificate_mismatch'],
      [{ token }, 'certificate_missing'],
      [{ token: expired, certificate: world.client1 }, 'token_expired'],
      [{ token: unbound, certificate: world.client1 }, 'confirmation_missing'],
    ] as const) {
      const { status, headers, body } = await refused(connectBy(carrier, world, { port, ...options }));
      expect(status, reason).toBe(401);
      if (carrier === 'ws') expect(headers['www-authenticate'], reason).toMatch(/^Bearer/);
      if (carrier === 'ws') expect(JSON.parse(body), reason).toMatchObject({ statusCode: 401 });
      expect(logger.ours.at(-1)?.text, reason).toMatch(
        new RegExp(`reason=${reason} .*route="ChatGateway handshake"`),
      );
    }
    expect(ran).toEqual([]);
  });

  test('a message whose handler demands more than the token has is refused, and its sender is told once', async () => {
    const { as, port, logger } = await startChat(platform, carrier);
    const token = await as.accessToken({ certificate: world.client1, scope: 'chat:read' });
    const client = await connected(connectBy(carrier, world, { port, token, certificate: world.client1 }));
    expect(await client.ask('write')).toEqual({
      exception: {
        status: 'error',
        statusCode: 403,
        error: 'insufficient_scope',
        message: 'The access token does not have the scope that this resource needs',
        scope: 'chat:write',
      },
    });
    expect(await client.ask('echo', 'still here')).toBe('still here');
    expect(client.told).toEqual([]);
    expect(ran).toEqual(['connection', 'echo']);
    expect(logger.ours.at(-1)?.text).toMatch(/reason=scope_missing .*route=ChatGateway\.write/);
    expect(logger.lines.filter(({ level }) => level === 'error')).toEqual([]);
  });

  test('nobody is let in while the authorization server is out, and the answer is 503', async () => {
    const { as, port } = await startChat(platform, carrier);
    const token = await as.accessToken({ certificate: world.client1 });
    await as.stop();
    const { status, headers } = await refused(
      connectBy(carrier, world, { port, token, certificate: world.client1 }),
    );
    expect(status).toBe(503);
    if (carrier === 'ws') expect(headers['retry-after']).toMatch(/^\d+$/);
    expect(ran).toEqual([]);
  });

  test('WS-3, WS-5: a connection ends when its token expires', async () => {
    const { as, port } = await startChat(platform, carrier);
    const token = await as.accessToken({ certificate: world.client1, lifetime: 4 });
    const client = await connected(connectBy(carrier, world, { port, token, certificate: world.client1 }));
    expect(await client.ask('echo', 1)).toBe(1);
    await eventually(() => client.ended !== undefined, 15_000);
    if (carrier === 'ws')
      expect(client.ended).toEqual({ code: 3000, reason: 'The access token has expired' });
    else expect(client.told).toMatchObject([{ exception: { error: 'invalid_token', statusCode: 401 } }]);
    await eventually(() => ran.includes('disconnect'));
  });
});
