import {
  type AuthorizationServerOptions,
  type AuthorizationServerPreset,
  forDuende,
  forKeycloak,
  forOkta,
  type IntrospectionStore,
} from 'nestjs-cert-bound-auth';
import { expect, test } from 'vitest';
import { resolveOptions } from '../../lib/options/resolve-options.js';
import { SERVER_PRESETS } from '../../lib/options/authorization-server-presets.js';
import { newKeyPair } from '../support/key-pair.js';

const issuer = 'https://as.example.com';
const { privateKey } = newKeyPair('ed25519');
const store: IntrospectionStore = { get: async () => undefined, set: async () => undefined };

test('a preset is merged with what it is given, however deep', () => {
  expect(forKeycloak({ issuer })).toEqual({
    issuer,
    jwt: { typ: ['JWT', 'at+jwt'], recognizedBy: 'own-word' },
    claims: { clientId: 'azp' },
  });
  const jwt = { algorithms: ['PS256' as const], jwks: { keys: [] } };
  const tls = { ca: [Buffer.from('ca')] };
  const server = forKeycloak({ issuer, audience: 'api', jwt, claims: { scope: 'roles' }, tls });
  expect(server).toEqual({
    issuer,
    audience: 'api',
    jwt: { typ: ['JWT', 'at+jwt'], recognizedBy: 'own-word', ...jwt },
    claims: { clientId: 'azp', scope: 'roles' },
    tls,
  });
  expect(server.tls.ca[0]).toBe(tls.ca[0]);
});

test('an override of a preset replaces a list and false as a whole', () => {
  expect(forKeycloak({ issuer, jwt: { typ: ['at+jwt'] } }).jwt.typ).toEqual(['at+jwt']);
  expect(forOkta({ issuer, jwt: { typ: 'at+jwt' } }).jwt).toEqual({ typ: 'at+jwt', recognizedBy: ['cid'] });
  expect(forDuende({ issuer, jwt: { requiredClaims: [] } }).jwt.requiredClaims).toEqual([]);
  const introspect = async (): Promise<undefined> => undefined;
  const server = forKeycloak({ issuer, jwt: false, introspection: { introspect } });
  expect(server).toEqual({
    issuer,
    jwt: false,
    claims: { clientId: 'azp' },
    introspection: { introspect },
  });
});

test('an override of a preset that is undefined erases nothing, at any depth', () => {
  const lax = forKeycloak as unknown as (given: object) => object;
  const given = { issuer, audience: undefined, jwt: { typ: undefined }, claims: undefined };
  expect(lax(given)).toStrictEqual(forKeycloak({ issuer }));
  expect(given).toStrictEqual({ issuer, audience: undefined, jwt: { typ: undefined }, claims: undefined });
});

test('a preset is changed by nothing that is made of it', () => {
  const before = structuredClone({ ...forKeycloak });
  const server: { jwt: object } = forKeycloak({ issuer, jwt: { maxTokenAge: 60 } });
  Object.assign(server.jwt, { typ: false });
  expect({ ...forKeycloak }).toEqual(before);
  expect(forKeycloak({ issuer }).jwt.typ).toEqual(['JWT', 'at+jwt']);
});

test('an override of a preset has its own members only, even by the name __proto__', () => {
  const lax = forKeycloak as unknown as (given: object) => Record<string, unknown>;
  const given = JSON.parse(`{"issuer":"${issuer}","jwt":{"__proto__":{"typ":false}}}`) as object;
  const server = lax(given);
  expect(server['jwt']).toMatchObject({ typ: ['JWT', 'at+jwt'] });
  expect(Object.keys(server['jwt'] as object)).toContain('__proto__');
  expect(() => resolveOptions({ audience: 'a', authorizationServers: [server as never] })).toThrow(
    '__proto__',
  );
});

test('an object of a class replaces a group of a preset as a whole, so that none of its getters is lost', () => {
  class Jwt {
    get algorithms(): readonly ['PS256'] {
      return ['PS256'];
    }
  }
  const jwt = new Jwt();
  expect(forKeycloak({ issuer, jwt }).jwt).toBe(jwt);
});

test('a preset refuses what is no plain object', () => {
  const lax = forKeycloak as unknown as (given?: unknown) => object;
  for (const given of [undefined, null, issuer, [issuer], new Map([['issuer', issuer]])]) {
    expect(() => lax(given)).toThrow(
      new TypeError('give the options of the server as a plain object: { issuer }'),
    );
  }
});

test('every preset boots with an issuer alone, and relaxes no audience and no binding', () => {
  for (const [name, preset] of Object.entries(SERVER_PRESETS)) {
    const complete: AuthorizationServerPreset = preset;
    const options = { audience: 'api', authorizationServers: [complete({ issuer })] };
    const [server] = resolveOptions(options).authorizationServers;
    expect([
      name,
      server?.jwt?.claims.audiencePresence,
      server?.jwt?.claims.audience,
      server?.binding,
    ]).toEqual([name, 'required', ['api'], 'required']);
  }
});

/** What the compiler says of presets. */
test('what a preset makes has the types of what it was given', () => {
  const server = forKeycloak({ issuer, audience: 'api', jwt: { algorithms: ['PS256'] } });
  const audience: string = server.audience;
  const algorithms: readonly 'PS256'[] = server.jwt.algorithms;
  const typ: readonly ['JWT', 'at+jwt'] = server.jwt.typ;
  expect([audience, algorithms, typ]).toEqual(['api', ['PS256'], ['JWT', 'at+jwt']]);

  const wide: AuthorizationServerOptions = { issuer };
  const any: AuthorizationServerPreset = forKeycloak;
  const all: readonly AuthorizationServerOptions[] = [
    forKeycloak(wide),
    any({ issuer }),
    { issuer, ...any },
    { issuer, ...forKeycloak, claims: { ...forKeycloak.claims, scope: 'roles' } },
    forKeycloak({ issuer, jwt: { secret: new Uint8Array(32) } }),
    forKeycloak({ issuer, jwt: { jwks: { keys: [{ kty: 'EC', other: 1 }] } } }),
    forKeycloak({ issuer, claims: { scope: ['resource_access', 'orders.bank.example', 'roles'] } }),
    forKeycloak({ issuer, tls: { ca: ['PEM', Buffer.from('PEM')] }, http: { timeout: 1 } }),
    forKeycloak({
      issuer,
      introspection: {
        clientAuthentication: {
          method: 'private_key_jwt',
          clientId: 'api',
          key: privateKey,
          algorithm: 'EdDSA',
        },
        cache: { shared: { store, secret: 'x' } },
        parameters: { any: 'name' },
      },
    }),
  ];
  expect(all).toHaveLength(9);
});

test('the compiler refuses options of a preset that do not exist, or are of the wrong type', () => {
  const introspect = async (): Promise<undefined> => undefined;
  expect([
    // @ts-expect-error: there is no such option
    forKeycloak({ issuer, jwtt: {} }),
    // @ts-expect-error: there is no such option of jwt
    forKeycloak({ issuer, jwt: { algorithm: ['PS256'] } }),
    // @ts-expect-error: there is no such claim
    forKeycloak({ issuer, claims: { scopes: 'scp' } }),
    // @ts-expect-error: there is no such option of the cache
    forKeycloak({ issuer, introspection: { introspect, cache: { tll: 1 } } }),
    // @ts-expect-error: HMAC is no public key algorithm
    forKeycloak({ issuer, jwt: { algorithms: ['HS256'] } }),
    // @ts-expect-error: only one source of keys
    forKeycloak({ issuer, jwt: { secret: 'x', jwksUri: 'y' } }),
    // @ts-expect-error: there is no issuer
    forKeycloak({ jwt: {} }),
  ]).toHaveLength(7);
});
