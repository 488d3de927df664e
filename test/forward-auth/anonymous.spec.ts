import type { AccessDecision, ForwardAuthOptions } from 'nestjs-cert-bound-auth';
import type { TestAuthorizationServer } from 'nestjs-cert-bound-auth/testing';
import { describe, expect, test } from 'vitest';
import { CREDENTIAL_HEADERS } from '../../lib/forward-auth/credential-headers.js';
import { watchDecisions } from '../support/watch-decisions.js';
import { createWorld, startAuthorizationServer } from '../support/world.js';
import { type Endpoint, optionsFor, startEndpoint, WAYS } from './support/endpoint.js';

const world = await createWorld();

const POLICIES: ForwardAuthOptions['policies'] = {
  rates: {
    allowAnonymous: true,
    scopes: ['rates'],
    credentialHeaders: { 'X-Credential-Tenant': 'tenant' },
    token: [
      { header: 'Authorization' },
      { cookie: 'token' },
      { header: 'X-Api-Token' },
      { unsafeQuery: 'key' },
    ],
  },
  closed: { credentialHeaders: { 'X-Role': 'role' } },
};

describe.each(WAYS)('a policy for callers without credentials, by %s', (way) => {
  const start = async (): Promise<{ endpoint: Endpoint; as: TestAuthorizationServer }> => {
    const as = await startAuthorizationServer(world);
    return { as, endpoint: await startEndpoint(way, optionsFor(world, as, { policies: POLICIES })) };
  };

  test('whoever shows nothing passes, and nothing but that is told of it, so that no client can set it', async () => {
    const { endpoint } = await start();
    const { status, headers } = await endpoint.ask('rates', {});
    expect(status).toBe(200);
    const told = Object.values(CREDENTIAL_HEADERS).map((name) => [name, headers[name.toLowerCase()]]);
    expect(Object.fromEntries(told)).toEqual({
      ...Object.fromEntries(told.map(([name]) => [name, ''])),
      'X-Credential-Token-Type': 'Anonymous',
    });
    expect([headers['x-credential-tenant'], headers['x-role']]).toEqual(['', '']);
    const known = await endpoint.ask('rates', { certificate: world.client1 });
    expect(known.status).toBe(200);
    expect(known.headers['x-credential-certificate-thumbprint']).toBe(world.client1.thumbprint);
    expect(known.headers['x-credential-token-type']).toBe('Anonymous');
  });

  test('whoever shows anything is judged', async () => {
    const { endpoint, as } = await start();
    const { client1: certificate, client2 } = world;
    const statusOf = async (question: Parameters<Endpoint['ask']>[1]): Promise<number> =>
      (await endpoint.ask('rates', question)).status;
    const good = await as.accessToken({ certificate, scope: 'rates' });
    const weak = await as.accessToken({ certificate });
    expect(await statusOf({ token: good, certificate })).toBe(200);
    expect(await statusOf({ token: weak, certificate })).toBe(403);
    expect(await statusOf({ token: good, certificate: client2 })).toBe(401);
    expect(await statusOf({ token: 'nonsense' })).toBe(401);
    for (const headers of [
      { Authorization: 'Basic YTpi' },
      { Authorization: '' },
      { DPoP: 'a.b.c' },
      { Cookie: 'token=nonsense' },
      { 'X-Api-Token': 'nonsense' },
    ])
      expect([headers, await statusOf({ headers })]).toEqual([headers, 401]);
    expect(await statusOf({ uri: '/rates?key=nonsense' })).toBe(401);
    expect(await statusOf({ uri: '/rates?access_token=nonsense' })).toBe(401);
  });

  test('another policy stays closed, and listeners are told of what passed', async () => {
    const seen: readonly AccessDecision[] = watchDecisions();
    const { endpoint } = await start();
    expect((await endpoint.ask('closed', {})).status).toBe(401);
    await endpoint.ask('rates', {});
    expect(seen).toMatchObject([
      { outcome: 'refused', reason: 'credentials_missing' },
      { outcome: 'accepted', anonymous: true, boundBy: [] },
    ]);
  });
});
