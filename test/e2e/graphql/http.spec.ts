import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { type AccessDecision, DECISION_CHANNEL } from 'nestjs-cert-bound-auth';
import { beforeEach, describe, expect, test } from 'vitest';
import { clientOf, createWorld, whenOver } from '../../support/world.js';
import { COMBINATIONS, query, ran, startBank } from './bank.js';

const world = await createWorld();

beforeEach(() => {
  ran.splice(0);
});

/** What is decided from now on until the test is over. */
function watchDecisions(): readonly AccessDecision[] {
  const seen: AccessDecision[] = [];
  const note = (decision: unknown): unknown => seen.push(decision as AccessDecision);
  subscribe(DECISION_CHANNEL, note);
  whenOver(async () => unsubscribe(DECISION_CHANNEL, note));
  return seen;
}

const { client1, client2 } = world;

describe.each(COMBINATIONS)('INV12: operations of GraphQL served by %s, %s', (...combination) => {
  test('GQL-4: no root field that is not public is resolved without a token, and the caller is told as HTTP tells it', async () => {
    const bank = await startBank(world, combination);
    const decisions = watchDecisions();
    for (const field of ['accounts { id }', 'whoami', 'perRequest', 'strict']) {
      const answer = await query(bank, world, `{ ${field} }`);
      expect(answer.codes, field).toEqual(['UNAUTHENTICATED']);
      expect(answer.errors[0]?.extensions).not.toHaveProperty('http');
      expect(answer.headers['www-authenticate']).toBe('Bearer');
    }
    for (const field of ['close(id: "a")', 'touch'])
      expect((await query(bank, world, `mutation { ${field} }`)).codes, field).toEqual(['UNAUTHENTICATED']);
    expect(ran).toEqual([]);
    expect(decisions.map(({ outcome, route }) => `${outcome} ${route}`)).toEqual([
      'refused Query.accounts',
      'refused Query.whoami',
      'refused Query.perRequest',
      'refused Query.strict',
      'refused Mutation.close',
      'refused Mutation.touch',
    ]);
  });

  test('GQL-1, GQL-3, GQL-4: the endpoint itself needs a valid token where it is no public path, for introspection too', async () => {
    const bank = await startBank(world, combination, { options: { publicPaths: [] } });
    const token = await bank.as.accessToken({ certificate: client1 });
    for (const field of ['accounts { id }', '__schema { types { name } }']) {
      const stranger = await query(bank, world, `{ ${field} }`);
      expect([stranger.status, stranger.headers['www-authenticate']]).toEqual([401, 'Bearer']);
    }
    for (const accepted of ['application/json', 'application/graphql-response+json']) {
      const refused = await clientOf(bank.app, world)
        .post('/graphql')
        .set('Accept', accepted)
        .send({ query: '{ __typename }' });
      // It is no answer of GraphQL, and does not say that it is one.
      expect([refused.status, refused.type, refused.body]).toMatchObject([
        401,
        'application/json',
        { statusCode: 401 },
      ]);
    }
    expect((await query(bank, world, '{ __typename }', { certificate: client2, token })).status).toBe(401);
    const honest = await query(bank, world, '{ __typename }', { certificate: client1, token });
    expect(honest.data).toEqual({ __typename: 'Query' });
    expect(ran).toEqual([]);
  });

  test('a thief who has the token and another certificate gets nothing, and its owner gets all that the scopes allow', async () => {
    const bank = await startBank(world, combination);
    const token = await bank.as.accessToken({ certificate: client1, scope: 'accounts:read accounts:write' });
    const honest = { certificate: client1, token };

    for (const thief of [{ certificate: client2, token }, { token }]) {
      const stolen = await query(bank, world, '{ accounts { id } whoami }', thief);
      expect(stolen.codes).toEqual(['UNAUTHENTICATED', 'UNAUTHENTICATED']);
      expect(stolen.errors[0]?.extensions?.['error']).toBe('invalid_token');
      expect((await query(bank, world, 'mutation { close(id: "a") }', thief)).codes).toEqual([
        'UNAUTHENTICATED',
      ]);
    }
    expect(ran).toEqual([]);

    const answer = await query(bank, world, '{ accounts { id } whoami }', honest);
    expect(answer.errors).toEqual([]);
    expect(answer.data).toEqual({
      accounts: [{ id: 'a' }, { id: 'b' }],
      whoami: expect.stringMatching(/^user-1 .*client1/) as string,
    });
    expect((await query(bank, world, 'mutation { close(id: "a") touch }', honest)).data).toEqual({
      close: true,
      touch: true,
    });
  });

  test('GQL-4: a token without the scope is told which it needs', async () => {
    const bank = await startBank(world, combination);
    const token = await bank.as.accessToken({ certificate: client1, scope: 'other' });
    const caller = { certificate: client1, token };
    const answer = await query(bank, world, '{ accounts { id } }', caller);
    expect(answer.errors).toEqual([
      expect.objectContaining({
        message: 'The access token does not have the scope that this resource needs',
        path: ['accounts'],
        extensions: expect.objectContaining({
          code: 'FORBIDDEN',
          error: 'insufficient_scope',
          scopes: ['accounts:read'],
        }) as object,
      }),
    ]);
    expect(answer.headers['www-authenticate']).toContain('error="insufficient_scope"');
    expect((await query(bank, world, 'mutation { close(id: "a") }', caller)).codes).toEqual(['FORBIDDEN']);
    expect((await query(bank, world, '{ perRequest }', caller)).codes).toEqual(['FORBIDDEN']);
    expect(ran).toEqual([]);
  });

  test('GQL-2: an open field is answered by 200, whatever is refused beside it', async () => {
    const bank = await startBank(world, combination);
    const { status, data, codes } = await query(bank, world, '{ perRequestOpen whoami }');
    expect(status).toBe(200);
    expect(data).toEqual({ perRequestOpen: 'open', whoami: null });
    expect(codes).toEqual(['UNAUTHENTICATED']);
  });

  test('a request-scoped resolver gets the token, and its public field is open', async () => {
    const bank = await startBank(world, combination);
    const token = await bank.as.accessToken({ certificate: client1, scope: 'scoped' });
    expect((await query(bank, world, '{ perRequestOpen }')).data).toEqual({ perRequestOpen: 'open' });
    expect((await query(bank, world, '{ perRequest }', { certificate: client1, token })).data).toEqual({
      perRequest: 'user-1',
    });
  });

  test('INV3: an authorization server that is away is told of as an outage, and not as a refusal', async () => {
    const bank = await startBank(world, combination);
    const token = await bank.as.accessToken({ certificate: client1, scope: 'accounts:read' });
    await bank.as.stop();
    const answer = await query(bank, world, '{ accounts { id } }', { certificate: client1, token });
    expect(answer.codes).toEqual(['SERVICE_UNAVAILABLE']);
    expect(Number(answer.headers['retry-after'])).toBeGreaterThan(0);
    expect((await query(bank, world, '{ perRequestOpen }')).data).toEqual({ perRequestOpen: 'open' });
    expect(ran).toEqual(['perRequestOpen']);
  });

  test('an expired token is refused', async () => {
    const bank = await startBank(world, combination);
    const token = await bank.as.accessToken({ certificate: client1, lifetime: -1 });
    const answer = await query(bank, world, '{ whoami }', { certificate: client1, token });
    expect(answer.codes).toEqual(['UNAUTHENTICATED']);
  });

  test('GQL-5: many fields, aliases and batches are one decision, one event and one challenge', async () => {
    const bank = await startBank(world, combination);
    const decisions = watchDecisions();
    const many = '{ a: accounts { id } b: accounts { id } whoami c: whoami }';

    const refused = await query(bank, world, many);
    expect(refused.codes).toEqual(Array.from({ length: 4 }, () => 'UNAUTHENTICATED'));
    expect(refused.headers['www-authenticate']).toBe('Bearer');
    expect(decisions).toHaveLength(1);

    const token = await bank.as.accessToken({ certificate: client1, scope: 'accounts:read' });
    const caller = { certificate: client1, token };
    expect((await query(bank, world, many, caller)).errors).toEqual([]);
    expect(decisions).toHaveLength(2);

    const poor = await bank.as.accessToken({ certificate: client1 });
    const forbidden = await query(bank, world, '{ a: accounts { id } b: accounts { id } perRequest }', {
      certificate: client1,
      token: poor,
    });
    expect(forbidden.codes).toEqual(['FORBIDDEN', 'FORBIDDEN', 'FORBIDDEN']);
    expect(forbidden.headers['www-authenticate']?.match(/Bearer/g)).toHaveLength(1);
    expect(decisions).toHaveLength(3);

    const batch = await query(bank, world, [{ query: many }, { query: '{ whoami }' }], caller);
    expect(batch.body).toHaveLength(2);
    expect(JSON.stringify(batch.body)).not.toContain('errors');
    expect(decisions.map(({ outcome }) => outcome)).toEqual(['refused', 'accepted', 'refused', 'accepted']);
  });
});
