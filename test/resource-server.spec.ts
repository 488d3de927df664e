import { once } from 'node:events';
import { createServer, request as send } from 'node:https';
import type { IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { MemoryReplayStore } from 'nestjs-cert-bound-auth';
import {
  type TestAuthorizationServer,
  type TestCertificate,
  TestDpopClient,
} from 'nestjs-cert-bound-auth/testing';
import { afterEach, describe, expect, test, vi } from 'vitest';
import type { Acceptance, Decision } from '../lib/decision.js';
import { resolveOptions } from '../lib/options/resolve-options.js';
import type { HttpRequest } from '../lib/request/http-request.js';
import { ResourceServer } from '../lib/resource-server.js';
import { PUBLIC_URL } from './support/dpop.js';
import { AUDIENCE, createWorld, startAuthorizationServer, tlsOf, whenOver } from './support/world.js';

const world = await createWorld();
const client = await TestDpopClient.create();
afterEach(() => {
  vi.useRealTimers();
});

interface Connected {
  readonly server: ResourceServer;
  readonly as: TestAuthorizationServer;
}

async function startServer(options: object = {}): Promise<Connected> {
  const as = await startAuthorizationServer(world);
  const server = new ResourceServer(
    resolveOptions({
      audience: AUDIENCE,
      authorizationServers: [{ issuer: as.issuer, tls: { ca: world.ca.cert } }],
      dpop: { publicUrl: PUBLIC_URL, replayStore: new MemoryReplayStore() },
      ...options,
    }),
  );
  whenOver(async () => server.close());
  return { server, as };
}

/** Sends one request over TLS, which stays unanswered: the handshake of a connection that lives on. */
async function handshakeWith(
  headers: Readonly<Record<string, string>>,
  certificate?: TestCertificate,
): Promise<HttpRequest> {
  const api = createServer(tlsOf(world)).listen(0, '127.0.0.1');
  await once(api, 'listening');
  const { key, cert } = certificate ?? {};
  const sent = send({
    host: '127.0.0.1',
    port: (api.address() as AddressInfo).port,
    ca: world.ca.cert,
    headers,
    ...(certificate === undefined ? {} : { key, cert }),
  });
  sent.on('error', () => undefined).end();
  const [request] = (await once(api, 'request')) as [IncomingMessage & HttpRequest];
  whenOver(async () => {
    sent.destroy();
    api.closeAllConnections();
    api.close();
  });
  return request;
}

function accepted(decision: Decision): Acceptance {
  if (decision.outcome === 'accepted') return decision;
  throw new Error(`refused: ${decision.error.reason}`);
}

const reasonOf = (decision: Decision): string =>
  decision.outcome === 'accepted' ? 'accepted' : decision.error.reason;

describe('what comes over a connection is decided again, by the handshake that it was made with', () => {
  test('RFC9449-11: a proof counts once, and what it has proved counts as long as the connection', async () => {
    const { server, as } = await startServer();
    const token = await as.accessToken({ dpop: client });
    const handshake = await handshakeWith(await client.headers({ url: `${PUBLIC_URL}/`, token }));
    const first = accepted(await server.decide(handshake));
    expect(reasonOf(await server.decide(handshake))).toBe('proof_replayed');
    const again = accepted(await server.decideAgain(handshake, first));
    expect(again.token.boundBy).toEqual(['dpop']);
  });

  test('RFC9449-7: a key proved for one token proves nothing for a token of another key', async () => {
    const { server, as } = await startServer();
    const [token, other] = [
      await as.accessToken({ dpop: client }),
      await as.accessToken({ dpop: await TestDpopClient.create() }),
    ];
    const first = accepted(
      await server.decide(await handshakeWith(await client.headers({ url: `${PUBLIC_URL}/`, token }))),
    );
    const foreign = await handshakeWith({ authorization: `DPoP ${other}` });
    expect(reasonOf(await server.decideAgain(foreign, first))).toBe('proof_missing');
  });

  test('INV5: nothing is accepted again past the end of the token, which the first decision names', async () => {
    const { server, as } = await startServer();
    const token = await as.accessToken({ certificate: world.client1 });
    const handshake = await handshakeWith({ authorization: `Bearer ${token}` }, world.client1);
    const first = accepted(await server.decide(handshake));
    expect(first.validUntil).toBe((first.token.expiresAt + 5) * 1000);
    vi.useFakeTimers({ toFake: ['Date'], now: first.validUntil - 1 });
    expect(reasonOf(await server.decideAgain(handshake, first))).toBe('accepted');
    vi.setSystemTime(first.validUntil);
    expect(reasonOf(await server.decideAgain(handshake, first))).toBe('token_expired');
  });

  test('INV2: nothing is accepted again past the end of the certificate', async () => {
    const { server, as } = await startServer({ clockTolerance: 300 });
    const short = await world.ca.issueClientCertificate('short', { notAfter: new Date(Date.now() + 60_000) });
    const token = await as.accessToken({ certificate: short });
    const handshake = await handshakeWith({ authorization: `Bearer ${token}` }, short);
    const first = accepted(await server.decide(handshake));
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 61_000 });
    expect(reasonOf(await server.decideAgain(handshake, first))).toBe('certificate_expired');
  });

  test('the app’s validate is asked each time, and may refuse what it accepted before', async () => {
    let open = true;
    const { server, as } = await startServer({ validate: () => open && { name: 'user' } });
    const token = await as.accessToken({ certificate: world.client1 });
    const handshake = await handshakeWith({ authorization: `Bearer ${token}` }, world.client1);
    const first = accepted(await server.decide(handshake));
    open = false;
    expect(reasonOf(await server.decideAgain(handshake, first))).toBe('user_refused');
  });
});
