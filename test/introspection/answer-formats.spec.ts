import { type KeyObject } from 'node:crypto';
import type { ServerResponse } from 'node:http';
import { CompactSign } from 'jose';
import type { TestAuthorizationServer } from 'nestjs-cert-bound-auth/testing';
import { beforeAll, describe, expect, test } from 'vitest';
import { AuthorizationServer } from '../../lib/access-token/authorization-server.js';
import type { VerifiedClaims } from '../../lib/access-token/verified-claims.js';
import type { JsonObject } from '../../lib/jose/json-object.js';
import { resolveOptions } from '../../lib/options/resolve-options.js';
import { startIntrospectionEndpoint } from '../support/introspection-endpoint.js';
import { AUDIENCE, createWorld, startAuthorizationServer, whenOver, type World } from '../support/world.js';
import { newKeyPair } from '../support/key-pair.js';

let world: World;
let as: TestAuthorizationServer;
beforeAll(async () => {
  world = await createWorld();
});

interface Made {
  readonly claims?: JsonObject;
  readonly header?: JsonObject;
  readonly key?: KeyObject;
}

/** A JWT as the server makes it of an opaque token, but for these claims and header. */
async function jwtOf({ claims, header, key }: Made = {}): Promise<string> {
  const now = Math.floor(Date.now() / 1000);
  const payload = {
    iss: as.issuer,
    aud: AUDIENCE,
    exp: now + 60,
    iat: now,
    sub: 'u',
    scope: 'a',
    jti: 't',
    ...claims,
  };
  const { privateKey, jwk } = as.signingKey;
  return new CompactSign(Buffer.from(JSON.stringify(payload)))
    .setProtectedHeader({ alg: 'ES256', kid: String(jwk.kid), ...header })
    .sign(key ?? privateKey);
}

type Answer = (response: ServerResponse) => void;

/** What is known of an opaque token of which the endpoint says this. */
async function lookUp(responseFormat: string, answer: Answer, options: object = {}): Promise<VerifiedClaims> {
  const endpoint = await startIntrospectionEndpoint(world, (_, response) => answer(response));
  const [settings] = resolveOptions({
    audience: AUDIENCE,
    authorizationServers: [
      {
        issuer: as.issuer,
        jwt: false,
        tls: { ca: world.ca.cert },
        introspection: {
          endpoint,
          responseFormat: responseFormat as never,
          clientAuthentication: { method: 'none', clientId: 'api' },
        },
        ...options,
      },
    ],
  }).authorizationServers;
  const server = new AuthorizationServer(settings as never);
  whenOver(async () => server.close());
  return server.lookUp('opaque');
}

const json =
  (body: object): Answer =>
  (response) =>
    response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(body));
const jwtAlone =
  (jwt: string, type = 'application/jwt'): Answer =>
  (response) =>
    response.writeHead(200, { 'content-type': type }).end(jwt);
const besideJson = (jwt: string | undefined, members: object = {}): Answer =>
  json({ active: true, sub: 'u', jti: 't', ...members, jwt });

const FORMATS = {
  'keycloak-jwt': (jwt: string) => besideJson(jwt),
  'access-token-jwt': (jwt: string) => jwtAlone(jwt),
} as const;

describe.each(['keycloak-jwt', 'access-token-jwt'] as const)('an answer in the format %s', (format) => {
  const asked = async (made?: Made, options?: object): Promise<VerifiedClaims> => {
    as = await startAuthorizationServer(world);
    return lookUp(format, FORMATS[format](await jwtOf(made)), options);
  };

  test('the claims are those of the JWT, which can be handed on', async () => {
    const { claims, signedAnswer } = await asked({ claims: { cnf: { 'x5t#S256': 'A'.repeat(43) } } });
    expect(claims).toMatchObject({ sub: 'u', scope: 'a', cnf: { 'x5t#S256': 'A'.repeat(43) } });
    expect(signedAnswer?.split('.')).toHaveLength(3);
  });

  test.each<[string, () => Made]>([
    ['signed by another key', () => ({ key: newKeyPair('ec', { namedCurve: 'P-256' }).privateKey })],
    ['of another issuer', () => ({ claims: { iss: 'https://other.example.com' } })],
    ['with an extension that nothing understands', () => ({ header: { b64: true } })],
  ])('INV3: a JWT %s says nothing of the token', async (_, made) => {
    await expect(asked(made())).rejects.toMatchObject({
      refusal: { status: 503 },
      reason: 'authorization_server_answer_invalid',
    });
  });

  test.each([
    ['has expired', { exp: 1 }, 'token_expired'],
    ['is for another API', { aud: 'other' }, 'audience_mismatch'],
    ['has no exp', { exp: undefined }, 'claim_missing'],
    // Keycloak calls an ID token active, and sends it back.
    ['is an ID token', { typ: 'ID' }, 'token_is_id_token'],
    ['does not show what it is', { scope: undefined }, 'token_type_mismatch'],
  ])('a JWT that %s refuses the token', async (_, claims, reason) => {
    await expect(asked({ claims })).rejects.toMatchObject({ refusal: { status: 401 }, reason });
  });

  test('the rules for JWTs of callers hold for it too, where there are some', async () => {
    const jwt = { typ: false, requiredClaims: ['acr'] };
    await expect(asked({}, { jwt })).rejects.toMatchObject({ reason: 'claim_missing' });
    expect((await asked({ claims: { acr: 'high' } }, { jwt })).claims).toMatchObject({ acr: 'high' });
  });

  test('text that is no JWT says nothing of the token', async () => {
    as = await startAuthorizationServer(world);
    await expect(lookUp(format, FORMATS[format]('a.b'))).rejects.toMatchObject({ refusal: { status: 503 } });
  });

  test('a token that is not active is refused', async () => {
    as = await startAuthorizationServer(world);
    await expect(lookUp(format, json({ active: false }))).rejects.toMatchObject({ reason: 'token_inactive' });
  });
});

describe('what Keycloak says beside the JWT', () => {
  test('what only the answer says counts too, and an answer that is not active counts whatever its JWT', async () => {
    as = await startAuthorizationServer(world);
    const { claims } = await lookUp('keycloak-jwt', besideJson(await jwtOf(), { client_id: 'c' }));
    expect(claims).toMatchObject({ client_id: 'c', scope: 'a' });
    expect(claims).not.toHaveProperty('jwt');
    await expect(lookUp('keycloak-jwt', json({ active: false, jwt: await jwtOf() }))).rejects.toMatchObject({
      reason: 'token_inactive',
    });
  });

  test('INV3: an answer without a JWT is an outage, and the log names the switch', async () => {
    as = await startAuthorizationServer(world);
    await expect(lookUp('keycloak-jwt', besideJson(undefined))).rejects.toMatchObject({
      refusal: { status: 503 },
      detail: expect.stringContaining('Support JWT claim in Introspection Response') as string,
    });
  });

  test.each([
    ['jti', { jti: 'other' }],
    ['sub', { sub: 'other' }],
    ['iss', { iss: 'https://other.example.com' }],
  ])('a JWT with another %s than what is said beside it is no answer', async (member, members) => {
    as = await startAuthorizationServer(world);
    await expect(lookUp('keycloak-jwt', besideJson(await jwtOf(), members))).rejects.toMatchObject({
      refusal: { status: 503 },
      detail: expect.stringContaining(`${member} of its JWT differs`) as string,
    });
  });
});

describe('what Curity says of a token that is not active', () => {
  test('an answer without content means that the token is not active', async () => {
    as = await startAuthorizationServer(world);
    const none: Answer = (response) => response.writeHead(204).end();
    await expect(lookUp('access-token-jwt', none)).rejects.toMatchObject({ reason: 'token_inactive' });
    await expect(lookUp('json', none)).rejects.toMatchObject({ refusal: { status: 503 } });
  });

  test.each<[string, () => Promise<Answer>]>([
    ['unsigned JSON that calls the token active', async () => json({ active: true, sub: 'u' })],
    ['a JWT by another type', async () => jwtAlone(await jwtOf(), 'text/plain')],
  ])('INV3: %s is no answer', async (_, answer) => {
    as = await startAuthorizationServer(world);
    await expect(lookUp('access-token-jwt', await answer())).rejects.toMatchObject({
      refusal: { status: 503 },
      reason: 'authorization_server_answer_invalid',
    });
  });
});
