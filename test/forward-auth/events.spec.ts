import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { type AccessDecision, DECISION_CHANNEL, DecisionListener } from 'nestjs-cert-bound-auth';
import { beforeAll, describe, expect, test } from 'vitest';
import { createWorld, startAuthorizationServer, whenOver, type World } from '../support/world.js';
import { optionsFor, startEndpoint, WAYS } from './support/endpoint.js';

let world: World;
beforeAll(async () => {
  world = await createWorld();
});

describe.each(WAYS)('every decision of the endpoint is one event, served by %s', (way) => {
  test('a decision is published on the channel, and told to the listeners of the app', async () => {
    const as = await startAuthorizationServer(world);
    const [published, told]: [AccessDecision[], AccessDecision[]] = [[], []];
    const note = (decision: unknown): unknown => published.push(decision as AccessDecision);
    const listener: DecisionListener = { onDecision: (decision) => void told.push(decision) };
    const endpoint = await startEndpoint(
      way,
      optionsFor(world, as, { policies: { any: {}, scoped: { scopes: ['accounts:read'] } } }),
      { providers: [{ provide: DecisionListener, useValue: listener }] },
    );
    subscribe(DECISION_CHANNEL, note);
    whenOver(async () => unsubscribe(DECISION_CHANNEL, note));
    const question = {
      certificate: world.client1,
      token: await as.accessToken({ certificate: world.client1 }),
    };
    expect((await endpoint.ask('any', question)).status).toBe(200);
    expect((await endpoint.ask('scoped', question)).status).toBe(403);
    expect((await endpoint.ask('any', { ...question, certificate: world.client2 })).status).toBe(401);
    expect(published).toMatchObject([
      { outcome: 'accepted', route: 'GET /auth/any', clientId: 'client-1', boundBy: ['certificate'] },
      { outcome: 'refused', route: 'GET /auth/scoped', reason: 'scope_missing', status: 403 },
      { outcome: 'refused', route: 'GET /auth/any', reason: 'certificate_mismatch', cacheHit: true },
    ]);
    expect(published).toHaveLength(3);
    expect(told).toEqual(way === 'node' ? [] : published);
  });
});
