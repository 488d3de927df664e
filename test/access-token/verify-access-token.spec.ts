import type { AuthorizationServerOptions, ClientAuthentication } from 'nestjs-cert-bound-auth';
import { describe, expect, test } from 'vitest';
import { AuthorizationServer } from '../../lib/access-token/authorization-server.js';
import { verifyAccessToken } from '../../lib/access-token/verify-access-token.js';
import type { AuthorizationServerRules } from '../../lib/access-token/authorization-server-rules.js';
import { resolveOptions } from '../../lib/options/resolve-options.js';
import { AUDIENCE, createWorld, startAuthorizationServer, whenOver } from '../support/world.js';

const NOBODY = { byIssuer: new Map<string, AuthorizationServer>(), forOpaqueTokens: [] };

/** A server as an API with these options knows it, with other settings where that is said. */
function serverWith(
  options: AuthorizationServerOptions,
  changed: Partial<AuthorizationServerRules> = {},
): AuthorizationServer {
  const resolved = resolveOptions({ audience: AUDIENCE, authorizationServers: [options] });
  const [settings] = resolved.authorizationServers;
  if (settings === undefined) throw new Error('no server');
  const server = new AuthorizationServer({ ...settings, ...changed });
  whenOver(async () => server.close());
  return server;
}

const refused = (reason: string, detail?: string): object => ({
  refusal: { status: 401, code: 'invalid_token' },
  reason,
  detail,
});

describe('a token that is judged without asking a server', () => {
  const part = (json: string): string => Buffer.from(json).toString('base64url');
  const header = part('{"alg":"ES256"}');
  const malformed = refused(
    'token_malformed',
    'its payload is no JSON object, or its signature no base64url',
  );
  const unknown = (iss: string): object => refused('issuer_unknown', `iss is ${iss}, configured is []`);
  test.each<[string, string, object]>([
    ['of 16384 characters', 'x'.repeat(16_384), refused('token_opaque', 'no server has introspection')],
    ['of 16385 characters', 'x'.repeat(16_385), refused('token_too_large')],
    ['of five parts', `${header}.a.b.c.d`, refused('token_encrypted')],
    ['with a payload that is no object', `${header}.${part('[]')}.AAAA`, malformed],
    ['with a signature that is no base64url', `${header}.${part('{}')}.A=`, malformed],
    ['without iss', `${header}.${part('{}')}.AAAA`, unknown('undefined')],
    ['of an issuer that is not known', `${header}.${part('{"iss":"x"}')}.AAAA`, unknown('"x"')],
    ['whose iss is no text', `${header}.${part('{"iss":["x"]}')}.AAAA`, unknown('of type object')],
  ])('RFC8725: a token %s is refused by name', async (_name, token, refusal) => {
    await expect((async () => verifyAccessToken(token, NOBODY, {}))()).rejects.toMatchObject(refusal);
  });
});

test('RFC9068-2: a JWT is verified and vouched for by the server that is its iss', async () => {
  const as = await startAuthorizationServer(await createWorld());
  const server = serverWith({ issuer: as.issuer, jwt: { jwks: { keys: [as.signingKey.jwk] } } });
  const byIssuer = new Map([[as.issuer, server]]);
  const verified = await verifyAccessToken(await as.accessToken(), { byIssuer, forOpaqueTokens: [] }, {});
  expect(verified.server).toBe(server);
  expect(verified.claims).toMatchObject({ iss: as.issuer, sub: 'user-1' });
});

describe('an opaque token that several servers may know', () => {
  /** Asked in this order; `asked` holds who was. */
  async function lookUp(...answers: readonly (readonly [string, () => unknown])[]): Promise<{
    readonly outcome: Promise<unknown>;
    readonly asked: readonly string[];
  }> {
    const asked: string[] = [];
    const servers = answers.map(([name, answer]) =>
      serverWith({
        issuer: `urn:${name}`,
        jwt: false,
        introspection: {
          introspect: async () => {
            asked.push(name);
            return answer() as object;
          },
        },
      }),
    );
    const outcome = Promise.resolve(
      verifyAccessToken('opaque', { byIssuer: new Map(), forOpaqueTokens: servers }, {}),
    );
    await outcome.catch(() => undefined);
    return { outcome, asked };
  }

  const claims = { active: true, aud: AUDIENCE, exp: Date.now() / 1000 + 600 };
  const active = () => claims;
  const inactive = () => ({ active: false });
  const expired = () => ({ ...claims, exp: 1 });
  const down = () => {
    throw new Error('down');
  };

  test('the first server that knows the token vouches for it, and the servers after it are not asked', async () => {
    const { outcome, asked } = await lookUp(['a', inactive], ['b', active], ['c', active]);
    expect(await outcome).toMatchObject({ server: { settings: { issuer: 'urn:b' } }, claims });
    expect(asked).toEqual(['a', 'b']);
  });

  test('invariant 3: a server that is down might know the token, so the denials of the others are no refusal', async () => {
    for (const answers of [
      [inactive, down, inactive],
      [down, inactive, inactive],
    ]) {
      const { outcome, asked } = await lookUp(...answers.map((answer, at) => [`${at}`, answer] as const));
      await expect(outcome).rejects.toMatchObject({ refusal: { status: 503 } });
      expect(asked).toEqual(['0', '1', '2']);
    }
    expect(await (await lookUp(['a', down], ['b', active])).outcome).toMatchObject({ claims });
  });

  test('the reason of the last server is told when no server knows the token', async () => {
    const { outcome } = await lookUp(['a', inactive], ['b', () => ({ active: 1 })]);
    await expect(outcome).rejects.toMatchObject(refused('token_inactive', 'active is not a boolean'));
  });

  test('a server that knows the token and refuses it has the last word', async () => {
    const { outcome, asked } = await lookUp(['a', expired], ['b', active]);
    await expect(outcome).rejects.toMatchObject({ reason: 'token_expired' });
    expect(asked).toEqual(['a']);
  });

  const clientAuthentication: ClientAuthentication = {
    method: 'client_secret_basic',
    clientId: 'api',
    clientSecret: 'api-secret',
  };

  test('RFC7662-1: a server whose endpoint refuses the token does not decide for the other servers', async () => {
    const world = await createWorld();
    const servers = [await startAuthorizationServer(world), await startAuthorizationServer(world)] as const;
    servers[0].behave('introspection', { status: 400, body: '{"error":"unsupported_token_type"}' });
    const forOpaqueTokens = servers.map(({ issuer }) =>
      serverWith({ issuer, tls: { ca: world.ca.cert }, introspection: { clientAuthentication } }),
    );
    const token = servers[1].opaqueToken();
    const verified = await verifyAccessToken(token, { byIssuer: new Map(), forOpaqueTokens }, {});
    expect(verified.server.settings.issuer).toBe(servers[1].issuer);
  });

  test('a fault of this module is reported as a fault', async () => {
    const faulty = { lookUp: async () => Promise.reject(new TypeError('a fault')) } as unknown;
    const knowing = serverWith({
      issuer: 'urn:b',
      jwt: false,
      introspection: { introspect: async () => claims },
    });
    const servers = { byIssuer: new Map(), forOpaqueTokens: [faulty as typeof knowing, knowing] };
    await expect(verifyAccessToken('opaque', servers, {})).rejects.toThrow('a fault');
  });
});

test.each([
  ['https://as.example.com', 'https://as.example.com/', ': they differ by the slash at the end'],
  ['https://as.example.com/', 'https://as.example.com', ': they differ by the slash at the end'],
  ['https://as.example.com', 'https://as.example.com/realms/bank', ''],
])(
  'the log tells of a token of %s where %s is configured, and how they differ',
  async (iss, issuer, hint) => {
    const server = serverWith({ issuer, jwt: { jwksUri: 'https://as.example.com/jwks' } });
    const token = `${base64url('{"alg":"ES256"}')}.${base64url(JSON.stringify({ iss }))}.AAAA`;
    const servers = { byIssuer: new Map([[issuer, server]]), forOpaqueTokens: [] };
    await expect((async () => verifyAccessToken(token, servers, {}))()).rejects.toMatchObject({
      reason: 'issuer_unknown',
      detail: `iss is "${iss}", configured is ["${issuer}"]${hint}`,
    });
  },
);

function base64url(text: string): string {
  return Buffer.from(text).toString('base64url');
}
