import { once } from 'node:events';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { Logger } from '@nestjs/common';
import {
  type AuthorizationServerOptions,
  type ClientAuthentication,
  type IntrospectionOptions,
} from 'nestjs-cert-bound-auth';
import type { TestAuthorizationServer } from 'nestjs-cert-bound-auth/testing';
import { beforeAll, describe, expect, test } from 'vitest';
import { AuthorizationServer } from '../../lib/access-token/authorization-server.js';
import { USER_AGENT } from '../../lib/authorization-server/user-agent.js';
import { confirmedClaims } from '../../lib/access-token/confirmed-claims.js';
import type { JsonObject } from '../../lib/jose/json-object.js';
import type { VerifiedClaims } from '../../lib/access-token/verified-claims.js';
import { readTokenShape } from '../../lib/jose/token-shape.js';
import { resolveOptions } from '../../lib/options/resolve-options.js';
import { compactJws, hmac, jsonText } from '../hostile/raw-jws.js';
import { RecordingLogger } from '../support/recording-logger.js';
import { MapIntrospectionStore } from '../support/map-introspection-store.js';
import { AUDIENCE, createWorld, startAuthorizationServer, whenOver, type World } from '../support/world.js';

let world: World;
beforeAll(async () => {
  world = await createWorld();
});

const clientAuthentication: ClientAuthentication = {
  method: 'client_secret_basic',
  clientId: 'api',
  clientSecret: 'api-secret',
};

/** A server as an API with these options knows it. */
function serverWith(options: AuthorizationServerOptions): AuthorizationServer {
  const tls = { ca: world.ca.cert };
  const resolved = resolveOptions({ audience: AUDIENCE, authorizationServers: [{ tls, ...options }] });
  const [settings] = resolved.authorizationServers;
  if (settings === undefined) throw new Error('no server');
  const server = new AuthorizationServer(settings);
  whenOver(async () => server.close());
  return server;
}

const introspecting = (
  as: TestAuthorizationServer,
  introspection: Partial<IntrospectionOptions> = {},
): AuthorizationServer =>
  serverWith({
    issuer: as.issuer,
    introspection: { clientAuthentication, ...introspection } as IntrospectionOptions,
  });

async function verifyJwt(server: AuthorizationServer, token: string): Promise<JsonObject> {
  const shape = readTokenShape(token);
  if (shape.kind !== 'jwt') throw new Error('no JWT');
  return (await server.verifyJwt(token, shape)).claims;
}

describe('what an authorization server says about a token', () => {
  test('a server without introspection knows no opaque token', async () => {
    const as = await startAuthorizationServer(world);
    const server = serverWith({ issuer: as.issuer });
    await expect(server.lookUp(as.opaqueToken())).rejects.toMatchObject({
      refusal: { status: 401 },
      reason: 'token_opaque',
      detail: undefined,
    });
    expect(as.requests).toEqual([]);
  });

  test('RFC7662-1: the log says why a token is not active', async () => {
    const as = await startAuthorizationServer(world);
    const server = introspecting(as);
    await expect(server.lookUp('unknown')).rejects.toMatchObject({
      refusal: { status: 401, code: 'invalid_token' },
      reason: 'token_inactive',
      detail: undefined,
    });
    as.answerIntrospection('odd', { active: 'true' });
    await expect(server.lookUp('odd')).rejects.toMatchObject({
      reason: 'token_inactive',
      detail: 'active is not a boolean',
    });
    as.behave('introspection', { status: 400, body: '{"error":"unsupported_token_type"}' });
    await expect(server.lookUp('unknown')).rejects.toMatchObject({
      refusal: { status: 401, code: 'invalid_token' },
      reason: 'introspection_refused',
      detail: 'the introspection endpoint answered 400 "unsupported_token_type"',
    });
  });

  test.each([
    ['token_type', 'refresh_token'],
    ['token_type', 'Refresh_Token'],
    ['token_type', 'id_token'],
    ['typ', 'Refresh'],
    ['typ', 'Offline'],
    ['typ', 'ID'],
    ['token_use', 'id'],
    ['token_use', 'refresh'],
    ['tokenName', 'id_token'],
  ])('RFC7662-2: a token whose %s is %s is refused at every API', async (name, value) => {
    const as = await startAuthorizationServer(world);
    const token = as.opaqueToken({ claims: { [name]: value } });
    await expect(introspecting(as).lookUp(token)).rejects.toMatchObject({
      refusal: { status: 401, code: 'invalid_token' },
      reason: 'token_type_mismatch',
      detail: `the token's ${name} is ${value}`,
    });
  });

  test.each([
    { token_type: 'Bearer' },
    { token_type: 'DPoP' },
    { typ: 'Bearer' },
    { typ: ['refresh'] },
    { token_use: 'access' },
  ])('RFC7662-2: an answer with %j describes an access token', async (claims) => {
    const as = await startAuthorizationServer(world);
    expect(await introspecting(as).lookUp(as.opaqueToken({ claims }))).toMatchObject({ claims });
  });

  test.each(['iss', 'nbf', 'iat', 'sub', 'jti', 'client_id'])(
    'invariant 15: an answer whose %s is null or empty does not say it, and is no fault of the token',
    async (name) => {
      const as = await startAuthorizationServer(world);
      for (const empty of [null, '', []]) {
        const token = as.opaqueToken({ claims: { [name]: empty } });
        const { claims } = await introspecting(as).lookUp(token);
        expect(claims, JSON.stringify(empty)).not.toHaveProperty(name);
      }
    },
  );

  test('invariant 15: an answer whose aud is null or empty has none: accepted where it need not be there', async () => {
    const as = await startAuthorizationServer(world);
    for (const aud of [null, []]) {
      const token = as.opaqueToken({ claims: { aud } });
      await expect(introspecting(as).lookUp(token)).rejects.toMatchObject({
        reason: 'claim_missing',
        detail: 'aud',
      });
      expect(await introspecting(as, { audience: 'if-present' }).lookUp(token)).toMatchObject({
        claims: { active: true },
      });
    }
    const other = as.opaqueToken({ claims: { aud: [null] } });
    await expect(introspecting(as, { audience: 'if-present' }).lookUp(other)).rejects.toMatchObject({
      reason: 'claim_malformed',
    });
  });

  test('invariant 15: an answer whose exp is null is refused, for it restricts', async () => {
    const as = await startAuthorizationServer(world);
    const token = as.opaqueToken({ claims: { exp: null } });
    await expect(introspecting(as).lookUp(token)).rejects.toMatchObject({ reason: 'claim_malformed' });
  });

  test('a question that is still open when the server is closed ends as an outage', async () => {
    const as = await startAuthorizationServer(world);
    const server = introspecting(as);
    await server.close();
    await expect(server.lookUp(as.opaqueToken())).rejects.toMatchObject({
      refusal: { status: 503 },
      reason: 'authorization_server_unreachable',
    });
  });
});

describe('how a JWT is verified', () => {
  test('a JWT is verified with the keys of its server, and introspected only where that is configured', async () => {
    const as = await startAuthorizationServer(world);
    const token = await as.accessToken({ subject: 'user-1' });
    expect(await verifyJwt(serverWith({ issuer: as.issuer }), token)).toMatchObject({ sub: 'user-1' });
    expect(await verifyJwt(introspecting(as), token)).toMatchObject({ sub: 'user-1' });
    expect(as.count('introspection')).toBe(0);
    as.answerIntrospection(token, {
      active: true,
      aud: AUDIENCE,
      exp: Date.now() / 1000 + 60,
      sub: 'user-2',
    });
    const introspection = { clientAuthentication };
    const asking = serverWith({ issuer: as.issuer, jwt: false, introspection });
    expect(await verifyJwt(asking, token)).toMatchObject({ sub: 'user-2' });
    expect([as.count('introspection'), as.count('jwks')]).toEqual([1, 2]);
  });

  test('a JWT is verified with configured keys without any call', async () => {
    const as = await startAuthorizationServer(world);
    const jwks = { keys: [as.signingKey.jwk] };
    const token = await as.accessToken();
    expect(await verifyJwt(serverWith({ issuer: as.issuer, jwt: { jwks } }), token)).toMatchObject({
      iss: as.issuer,
    });
    expect(as.requests).toEqual([]);
    const jwksUri = `${as.jwksUri}?configured`;
    await verifyJwt(serverWith({ issuer: as.issuer, jwt: { jwksUri } }), token);
    expect(as.requests.map(({ path }) => path)).toEqual(['/jwks?configured']);
    const secret = serverWith({ issuer: as.issuer, jwt: { secret: Buffer.alloc(32) } });
    await expect(verifyJwt(secret, token)).rejects.toMatchObject({ reason: 'algorithm_not_allowed' });
    await expect(verifyJwt(secret, hs256(as.issuer, Buffer.alloc(32, 1)))).rejects.toMatchObject({
      reason: 'signature_invalid',
    });
    await verifyJwt(secret, hs256(as.issuer, Buffer.alloc(32)));
  });

  function hs256(iss: string, secret: Buffer): string {
    const exp = Math.floor(Date.now() / 1000) + 60;
    const claims = { iss, aud: AUDIENCE, exp, iat: exp - 60, sub: 'u', client_id: 'c', jti: 't' };
    return compactJws(jsonText({ alg: 'HS256', typ: 'at+jwt' }), jsonText(claims), hmac(secret));
  }
});

describe('a JWT that is introspected as well', () => {
  test.each<[string, JsonObject, string]>([
    ['another cnf', { cnf: { 'x5t#S256': 'other' } }, "cnf differs from the token's own"],
    ['no cnf', { cnf: undefined }, "cnf differs from the token's own"],
    ['another jti', { jti: 'other' }, "jti differs from the token's own"],
    ['another subject', { sub: 'other' }, "the subject differs from the token's own"],
    ['another client', { client_id: 'other' }, "the client differs from the token's own"],
  ])('RFC7662-2: an answer with %s contradicts the JWT', async (_name, difference, detail) => {
    const as = await startAuthorizationServer(world);
    const token = await as.accessToken({ certificate: world.client1 });
    const shape = readTokenShape(token);
    const claims = shape.kind === 'jwt' ? shape.payload : {};
    as.answerIntrospection(token, { active: true, ...claims, ...difference });
    await expect(verifyJwt(introspecting(as, { tokens: 'all' }), token)).rejects.toMatchObject({
      refusal: { status: 401, code: 'invalid_token' },
      reason: 'introspection_conflict',
      detail,
    });
  });
});

describe('a JWT that leaves out what its server says of it alone', () => {
  const LIGHTWEIGHT = { aud: undefined, sub: undefined, client_id: undefined, scope: undefined };

  /** What becomes of a JWT with these claims, of which the server says this. */
  async function known(
    own: JsonObject,
    said: JsonObject,
    introspection: Partial<IntrospectionOptions> = {},
  ): Promise<JsonObject> {
    const as = await startAuthorizationServer(world);
    const token = await as.accessToken({ certificate: world.client1, claims: own });
    const { payload = {} } = readTokenShape(token) as { readonly payload?: JsonObject };
    const { sub, client_id, aud, ...claims } = payload;
    as.answerIntrospection(token, {
      active: true,
      ...claims,
      sub: sub ?? 'user-1',
      client_id: client_id ?? 'client-1',
      aud: aud ?? AUDIENCE,
      ...said,
    });
    return verifyJwt(introspecting(as, { tokens: 'all', ...introspection }), token);
  }

  test('RFC7662-2: the answer adds audience, subject, client and scopes', async () => {
    const claims = await known(LIGHTWEIGHT, { scope: 'a b', aud: [AUDIENCE, 'x'] });
    expect(claims).toMatchObject({
      sub: 'user-1',
      client_id: 'client-1',
      scope: 'a b',
      aud: [AUDIENCE, 'x'],
    });
    expect(claims).not.toHaveProperty('active');
  });

  test('RFC8705-3: a binding that only one of the two knows of is a conflict', async () => {
    const cnf = { 'x5t#S256': world.client1.thumbprint };
    await expect(known({ cnf: undefined }, { cnf })).rejects.toMatchObject({
      reason: 'introspection_conflict',
    });
    await expect(known({}, { cnf: undefined })).rejects.toMatchObject({ reason: 'introspection_conflict' });
  });

  test('RFC7662-2: the audience and the scopes that both name count, and no others', async () => {
    const claims = await known(
      { aud: [AUDIENCE, 'own'], scope: 'a own' },
      { aud: ['said', AUDIENCE], scope: 'said a' },
    );
    expect(claims).toMatchObject({ aud: [AUDIENCE], scope: 'a' });
    expect(await known({ scope: 'a b' }, { scope: '' })).toMatchObject({ scope: '' });
    const roles = (list: readonly string[]): JsonObject => ({ realm_access: { roles: list, other: 1 } });
    expect(await known(roles(['a']), roles(['b']))).toMatchObject({ realm_access: { roles: ['a'] } });
  });

  test.each<[string, JsonObject, JsonObject, Partial<IntrospectionOptions>, string]>([
    ['names no audience', LIGHTWEIGHT, { aud: undefined }, { audience: 'if-present' }, 'claim_missing'],
    ['names another audience', LIGHTWEIGHT, { aud: 'other' }, {}, 'audience_mismatch'],
    ['is for another audience itself', { aud: 'other' }, { aud: AUDIENCE }, {}, 'audience_mismatch'],
    ['has no subject', LIGHTWEIGHT, { sub: undefined }, {}, 'claim_missing'],
    ['has no client', LIGHTWEIGHT, { client_id: undefined }, {}, 'claim_missing'],
    ['has expired for its server', LIGHTWEIGHT, { exp: 1 }, {}, 'token_expired'],
  ])('RFC9068-2: a JWT that %s is refused, whichever says so', async (_, own, said, options, reason) => {
    await expect(known(own, said, options)).rejects.toMatchObject({ reason });
  });

  test('the roles at a path that both name count, and no others', async () => {
    const roles = (list: readonly string[]): JsonObject => ({ realm_access: { roles: list, other: 1 } });
    const claims = confirmedClaims(roles(['a', 'b']), roles(['b', 'c']), {
      scope: 'realm_access.roles',
      clientId: 'client_id',
      subject: 'sub',
    });
    expect(claims).toEqual(roles(['b']));
  });

  test('RFC9396-2: what a token is authorized for in detail is what the answer says of it, narrowed or extended', () => {
    const limitedTo = (limit: string): JsonObject => ({
      authorization_details: [{ type: 'payment', limit }],
    });
    const names = { scope: 'scope', clientId: 'client_id', subject: 'sub' };
    expect(confirmedClaims(limitedTo('100'), limitedTo('5'), names)).toEqual(limitedTo('5'));
    expect(confirmedClaims(limitedTo('100'), { authorization_details: [] }, names)).toEqual({
      authorization_details: [],
    });
    expect(confirmedClaims({}, limitedTo('5'), names)).toEqual(limitedTo('5'));
    expect(confirmedClaims(limitedTo('100'), {}, names)).toEqual(limitedTo('100'));
  });
});

describe('what an authorization server publishes', () => {
  const publish = (as: TestAuthorizationServer, members: JsonObject): void => {
    const metadata = { issuer: as.issuer, introspection_endpoint: as.introspectionEndpoint, ...members };
    as.behave('metadata', { status: 200, body: JSON.stringify(metadata) });
  };

  test.each([
    ['jwksUri', {}],
    ['introspectionEndpoint', { introspection_endpoint: undefined }],
  ])(
    'invariant 3: metadata without %s, which is needed, is an outage that names the remedy',
    async (name, members) => {
      const as = await startAuthorizationServer(world);
      publish(as, members);
      const server = introspecting(as);
      const verified =
        name === 'jwksUri' ? verifyJwt(server, await as.accessToken()) : server.lookUp(as.opaqueToken());
      await expect(verified).rejects.toMatchObject({
        refusal: { status: 503 },
        reason: 'authorization_server_answer_invalid',
        detail: expect.stringMatching(
          `^the metadata of ${as.issuer} has no ${name} .*; set it in the options$`,
        ) as string,
      });
    },
  );

  test('every kind of call says who calls and which codings it reads, once', async () => {
    const as = await startAuthorizationServer(world);
    const server = introspecting(as);
    await verifyJwt(server, await as.accessToken());
    await server.lookUp(as.opaqueToken());
    expect(as.requests.map(({ endpoint }) => endpoint)).toEqual(['metadata', 'jwks', 'introspection']);
    for (const { headers } of as.requests) {
      expect(headers).toMatchObject({ 'user-agent': USER_AGENT, 'accept-encoding': 'gzip, deflate, br' });
    }
  });

  test('a header that is given for introspection takes the place of ours, however its name is written', async () => {
    const { key, cert } = world.server;
    let names: readonly string[] = [];
    const endpoint = createServer({ key, cert }, (request, response) => {
      names = request.rawHeaders.map((text) => text.toLowerCase());
      response.end('{"active":false}');
    }).listen(0, '127.0.0.1');
    await once(endpoint, 'listening');
    whenOver(async () => endpoint.close());
    const as = await startAuthorizationServer(world);
    const url = `https://localhost:${(endpoint.address() as AddressInfo).port}/`;
    const server = introspecting(as, { endpoint: url, headers: { 'USER-Agent': 'Bank/1', 'X-One': 'one' } });
    await expect(server.lookUp('unknown')).rejects.toMatchObject({ reason: 'token_inactive' });
    expect(names.filter((name) => name === 'user-agent')).toHaveLength(1);
    expect(names).toEqual(expect.arrayContaining(['bank/1', 'x-one', 'one']));
  });

  test('a configured endpoint is called without asking for metadata', async () => {
    const as = await startAuthorizationServer(world);
    const endpoint = `${as.introspectionEndpoint}?configured`;
    await introspecting(as, { endpoint }).lookUp(as.opaqueToken());
    expect(as.requests.map(({ path }) => path)).toEqual(['/introspect?configured']);
  });

  test('RFC8705-5: only a client that authenticates by mutual TLS uses the alias for mutual TLS', async () => {
    const as = await startAuthorizationServer(world);
    const alias = `${as.introspectionEndpoint}?by=tls`;
    publish(as, { mtls_endpoint_aliases: { introspection_endpoint: alias } });
    const { key, cert } = await world.ca.issueClientCertificate('api');
    const tls = { ca: world.ca.cert, key, cert };
    const pathFor = async (authentication: ClientAuthentication): Promise<string | undefined> => {
      const introspection = { clientAuthentication: authentication };
      const server = serverWith({ issuer: as.issuer, tls, introspection });
      as.requests.length = 0;
      await server.lookUp('unknown').catch(() => undefined);
      return as.requests.find(({ endpoint }) => endpoint === 'introspection')?.path;
    };
    for (const method of ['tls_client_auth', 'self_signed_tls_client_auth'] as const) {
      expect([method, await pathFor({ method, clientId: 'api' })]).toEqual([method, '/introspect?by=tls']);
    }
    expect(await pathFor(clientAuthentication)).toBe('/introspect');
    expect(await pathFor({ method: 'none', clientId: 'api' })).toBe('/introspect');
    publish(as, {});
    expect(await pathFor({ method: 'tls_client_auth', clientId: 'api' })).toBe('/introspect');
  });
});

describe('a cache that several servers share', () => {
  const secret = Buffer.alloc(32, 's');

  test('invariant 5: an answer is kept for one server and for one client of it', async () => {
    const [as, other] = [await startAuthorizationServer(world), await startAuthorizationServer(world)];
    const store = new MapIntrospectionStore();
    const cache = { shared: { store, secret } };
    const token = as.opaqueToken();
    expect(await introspecting(as, { cache }).lookUp(token)).toMatchObject({ claims: { iss: as.issuer } });
    expect(await introspecting(as, { cache }).lookUp(token)).toMatchObject({ claims: { iss: as.issuer } });
    expect(as.count('introspection')).toBe(1);

    const second = introspecting(as, {
      cache,
      clientAuthentication: { ...clientAuthentication, clientId: 'api-2' },
    });
    await expect(second.lookUp(token)).rejects.toMatchObject({
      reason: 'authorization_server_refused_client',
    });
    await expect(introspecting(other, { cache }).lookUp(token)).rejects.toMatchObject({
      reason: 'token_inactive',
    });
    expect([as.count('introspection'), other.count('introspection')]).toEqual([2, 1]);
  });
});

describe('INV5: claims that are nested too deeply', () => {
  const nested = (levels: number): unknown => {
    let value: unknown = 'leaf';
    for (let level = 0; level < levels; level += 1) value = [value];
    return value;
  };
  const detail = 'the claims are nested more than 64 levels deep';

  test('a JWT whose claims are nested too deeply is refused', async () => {
    const as = await startAuthorizationServer(world);
    const server = serverWith({ issuer: as.issuer });
    await verifyJwt(server, await as.accessToken({ claims: { deep: nested(63) } }));
    const token = await as.accessToken({ claims: { deep: nested(64) } });
    await expect(verifyJwt(server, token)).rejects.toMatchObject({
      refusal: { status: 401, code: 'invalid_token' },
      reason: 'claim_malformed',
      detail,
    });
  });

  test('an answer whose claims are nested too deeply is an outage', async () => {
    let levels = 63;
    const introspect = async (): Promise<object> => ({
      active: true,
      aud: AUDIENCE,
      exp: Date.now() / 1000 + 600,
      deep: nested(levels),
    });
    const server = serverWith({ issuer: 'urn:as', jwt: false, introspection: { introspect } });
    expect((await server.lookUp('opaque')).claims).toMatchObject({ aud: AUDIENCE });
    levels = 64;
    await expect(server.lookUp('opaque')).rejects.toMatchObject({
      refusal: { status: 503 },
      reason: 'authorization_server_answer_invalid',
      detail,
    });
  });
});

describe('what a server fetches before it is needed', () => {
  const fetched = (as: TestAuthorizationServer): readonly number[] => [
    as.count('metadata'),
    as.count('jwks'),
  ];
  const remote = (as: TestAuthorizationServer, more: object = {}): IntrospectionOptions => ({
    clientAuthentication,
    endpoint: as.introspectionEndpoint,
    ...more,
  });

  test.each<
    [string, (as: TestAuthorizationServer) => Partial<AuthorizationServerOptions>, readonly number[]]
  >([
    ['metadata and keys for JWTs', () => ({}), [1, 1]],
    ['only the keys for JWTs with a configured jwksUri', (as) => ({ jwt: { jwksUri: as.jwksUri } }), [0, 1]],
    [
      'only metadata for introspection',
      () => ({ jwt: false, introspection: { clientAuthentication } }),
      [1, 0],
    ],
    [
      'nothing for introspection at a configured endpoint',
      (as) => ({ jwt: false, introspection: remote(as) }),
      [0, 0],
    ],
    [
      'metadata and keys for signed answers',
      (as) => ({ jwt: false, introspection: remote(as, { responseFormat: 'jwt' }) }),
      [1, 1],
    ],
    [
      'nothing for introspection in this process',
      () => ({ jwt: false, introspection: { introspect: async () => ({ active: false }) } }),
      [0, 0],
    ],
  ])('the server fetches %s', async (_, optionsOf, expected) => {
    const as = await startAuthorizationServer(world);
    const server = serverWith({ issuer: as.issuer, ...optionsOf(as) });
    await server.prepare();
    expect(fetched(as)).toEqual(expected);
    expect(server.health().keys.state).toBe(expected[1] === 1 ? 'fresh' : 'not-fetched');
  });

  test('operations can have everything fetched anew, and get the keys even when the metadata cannot be had', async () => {
    const as = await startAuthorizationServer(world);
    const server = serverWith({ issuer: as.issuer });
    await server.prepare();
    await server.refreshKeys();
    expect(fetched(as)).toEqual([2, 2]);
    as.behave('metadata', { status: 500 });
    await expect(server.refreshKeys()).rejects.toMatchObject({ refusal: { status: 503 } });
    expect(fetched(as)).toEqual([3, 3]);
  });

  test('a refresh asks for no metadata where jwksUri is configured, and for no keys where there is only introspection', async () => {
    const as = await startAuthorizationServer(world);
    await serverWith({ issuer: as.issuer, jwt: { jwksUri: as.jwksUri } }).refreshKeys();
    expect(fetched(as)).toEqual([0, 1]);
    await serverWith({ issuer: as.issuer, jwt: false, introspection: remote(as) }).refreshKeys();
    expect(as.count('jwks')).toBe(1);
  });
});

test('the health of a server shows its issuer, its keys, and the circuit of an endpoint that is called', async () => {
  const as = await startAuthorizationServer(world);
  const notFetched = { state: 'not-fetched', age: undefined, lastFailure: undefined };
  expect(serverWith({ issuer: as.issuer }).health()).toEqual({
    issuer: as.issuer,
    keys: notFetched,
    introspection: 'none',
    statusLists: 'none',
  });
  expect(introspecting(as).health()).toMatchObject({ introspection: 'closed' });
  const introspect = async (): Promise<object> => ({ active: false });
  const own = serverWith({ issuer: 'urn:as', jwt: false, introspection: { introspect } });
  expect(own.health()).toMatchObject({ introspection: 'none' });
});

describe('INV5: how long a verified token stays valid', () => {
  const verified = async (server: AuthorizationServer, token: string): Promise<VerifiedClaims> => {
    const shape = readTokenShape(token);
    if (shape.kind !== 'jwt') throw new Error('no JWT');
    return server.verifyJwt(token, shape);
  };

  test('a JWT stays valid until its key is withdrawn, and with configured keys for good', async () => {
    const as = await startAuthorizationServer(world);
    const token = await as.accessToken();
    const jwks = { keys: [as.signingKey.jwk] };
    const byConfigured = await verified(serverWith({ issuer: as.issuer, jwt: { jwks } }), token);
    const server = serverWith({ issuer: as.issuer });
    const byPublished = await verified(server, token);
    expect([byPublished.holds(), byConfigured.holds(), byPublished.size]).toEqual([true, true, token.length]);
    await as.rotateKeys({ keep: false });
    await server.refreshKeys();
    expect([byPublished.holds(), byConfigured.holds()]).toEqual([false, true]);
  });

  test('a JWT that is introspected stays valid until its key is withdrawn, and only while its answer is kept', async () => {
    const as = await startAuthorizationServer(world);
    const token = await as.accessToken();
    as.answerIntrospection(token, { active: true, aud: AUDIENCE, exp: Date.now() / 1000 + 600 });
    const asking = introspecting(as, { tokens: 'all' });
    expect((await verified(asking, token)).holds()).toBe(false);
    const keeping = introspecting(as, { tokens: 'all', cache: { ttl: 60 } });
    const { holds, size } = await verified(keeping, token);
    expect([holds(), size > token.length]).toEqual([true, true]);
    await as.rotateKeys({ keep: false });
    await keeping.refreshKeys();
    expect(holds()).toBe(false);
  });
});

test('the log names the server whose keys could not be refreshed', async () => {
  const log = new RecordingLogger();
  Logger.overrideLogger(log);
  const as = await startAuthorizationServer(world);
  const server = serverWith({ issuer: as.issuer });
  await server.prepare();
  as.behave('jwks', { status: 500 });
  await expect(server.refreshKeys()).rejects.toMatchObject({ refusal: { status: 503 } });
  Logger.overrideLogger(false);
  expect(log.ours.map(({ text }) => text)).toEqual([
    expect.stringContaining(`keys of ${as.issuer}: could not be refreshed: `),
  ]);
});
