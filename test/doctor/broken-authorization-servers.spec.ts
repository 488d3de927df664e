import { TestCertificateAuthority } from 'nestjs-cert-bound-auth/testing';
import { beforeAll, describe, expect, test } from 'vitest';
import type { Seen } from '../../lib/doctor/finding.js';
import { newKeyPair } from '../support/key-pair.js';
import { createWorld, startAuthorizationServer, type World } from '../support/world.js';
import {
  type Answer,
  doctor,
  type Examined,
  filesOf,
  findingsOf,
  freePort,
  startPlainServer,
  startServer,
  seenAsExpected,
  type Situation,
} from './support.js';

let world: World;
let files: Readonly<Record<string, string>>;
let publicKey: object;

beforeAll(async () => {
  world = await createWorld();
  files = filesOf(world);
  const keys = newKeyPair('ec', { namedCurve: 'P-256' });
  publicKey = { ...keys.publicKey.export({ format: 'jwk' }), kid: 'one', alg: 'ES256', use: 'sig' };
});

/** What a server publishes, but for what is changed. */
interface Published {
  readonly metadata?: (members: Record<string, unknown>) => unknown;
  readonly keys?: readonly unknown[];
  readonly headers?: Readonly<Record<string, string>>;
  readonly introspection?: Answer | ((form: string) => Answer);
  /** At the place of OpenID. */
  readonly openid?: boolean;
  readonly status?: number;
  readonly tls?: object;
}

async function publish(published: Published = {}): Promise<string> {
  const { metadata = (all: object) => all, keys = [publicKey], headers = {}, status = 200 } = published;
  const place =
    published.openid === true
      ? '/.well-known/openid-configuration'
      : '/.well-known/oauth-authorization-server';
  return startServer(
    world,
    ({ url }, origin) => {
      switch (url) {
        case place:
          return { status, headers, body: metadata({ issuer: origin, ...members(origin) }) };
        case '/jwks':
          return { body: { keys } };
        case '/introspect':
          return published.introspection as Answer;
        default:
          return undefined;
      }
    },
    published.tls,
  );
}

function members(origin: string): object {
  return {
    jwks_uri: `${origin}/jwks`,
    introspection_endpoint: `${origin}/introspect`,
    tls_client_certificate_bound_access_tokens: true,
    dpop_signing_alg_values_supported: ['ES256'],
  };
}

async function examine(issuer: string, ...args: readonly string[]): Promise<Examined> {
  return doctor(files, ['--issuer', issuer, '--ca', '@ca.pem', ...args]);
}

async function withServer(certificate: { readonly cert: string; readonly key: string }): Promise<string> {
  return publish({ tls: { cert: certificate.cert, key: certificate.key } });
}

const CONFIG = {
  listen: { port: 0 },
  trustedProxies: ['loopback'],
  audience: 'https://api.example.com',
  clientCertificate: { from: 'header', header: 'x-cert', format: 'pem', trust: 'proxy' },
};

/** By a file, with what a server there has beside its issuer. */
async function configured(
  server: object,
  besides: object = {},
  ...args: readonly string[]
): Promise<Examined> {
  const config = {
    ...CONFIG,
    authorizationServers: [{ tls: { ca: world.ca.cert }, ...server }],
    policies: { only: {} },
    ...besides,
  };
  return doctor({ ...files, 'config.json': JSON.stringify(config) }, ['--config', '@config.json', ...args]);
}

const CLIENT = { method: 'client_secret_basic', clientId: 'api', clientSecret: 'the-secret-of-the-api' };

async function introspecting(introspection: Answer, ...args: readonly string[]): Promise<Examined> {
  const issuer = await publish({ introspection });
  return configured({ issuer, introspection: { clientAuthentication: CLIENT } }, {}, ...args);
}

const SITUATIONS: readonly Situation[] = [
  {
    broken: 'the issuer of the metadata has a slash at its end',
    examined: async () =>
      examine(await publish({ metadata: (all) => ({ ...all, issuer: `${String(all['issuer'])}/` }) })),
    look: 'metadata',
    found: /its issuer is "https:.*\/", not https:/,
    remedy: /slash at its end alone.*Set issuer to "https:/,
  },
  {
    broken: 'the metadata is of another issuer',
    examined: async () =>
      examine(await publish({ metadata: (all) => ({ ...all, issuer: 'https://other.example' }) })),
    look: 'metadata',
    found: /its issuer is "https:\/\/other.example"/,
    remedy: /known by that name\. Set issuer to "https:\/\/other.example"/,
  },
  {
    broken: 'there is no metadata',
    examined: async () => examine(await startServer(world, () => undefined)),
    look: 'metadata',
    found: /oauth-authorization-server: status 404.*openid-configuration: status 404/,
    remedy: /Set `jwt.jwksUri`/,
  },
  {
    broken: 'a login page stands in the place of the metadata',
    examined: async () => examine(await publish({ metadata: () => '<html>' })),
    look: 'metadata',
    found: /status 200, no JSON object/,
    remedy: /a login page/,
  },
  {
    broken: 'the server is down',
    examined: async () => examine(`https://localhost:${await freePort()}`),
    look: 'metadata',
    found: /authorization_server_unreachable.*ECONNREFUSED/,
    remedy: /The line has the call and the error/,
  },
  {
    broken: 'the server does not answer in time',
    examined: async () => {
      const as = await startAuthorizationServer(world);
      as.behave('metadata', 'hang');
      return examine(as.issuer, '--timeout', '0.5');
    },
    look: 'metadata',
    found: /did not answer within 500 ms/,
    remedy: /--timeout gives it longer/,
  },
  {
    broken: 'the CA of the server is not given',
    examined: async () => doctor(files, ['--issuer', await publish()]),
    look: 'server_tls',
    found: /issued by "CN=Test CA": SELF_SIGNED_CERT_IN_CHAIN/,
    remedy: /Give the CA that has issued it in tls\.ca of the server \(--ca\)/,
  },
  {
    broken: 'the certificate of the server has expired',
    examined: async () => {
      const [notBefore, notAfter] = [new Date('2020-01-01'), new Date('2021-01-01')];
      return examine(await withServer(await world.ca.issueServerCertificate({ notBefore, notAfter })));
    },
    look: 'server_tls',
    found: /CERT_HAS_EXPIRED/,
    remedy: /Renew it: it was valid until 2021-01-01/,
  },
  {
    broken: 'the certificate of the server is not valid yet',
    examined: async () => {
      const notBefore = new Date(Date.now() + 86_400_000);
      return examine(await withServer(await world.ca.issueServerCertificate({ notBefore })));
    },
    look: 'server_tls',
    found: /CERT_NOT_YET_VALID/,
    remedy: /Set the clocks: it is valid from/,
  },
  {
    broken: 'the certificate of the server is for another name',
    examined: async () =>
      examine(await withServer(await world.ca.issueServerCertificate({ hosts: ['as.example.com'] }))),
    look: 'server_tls',
    found: /ERR_TLS_CERT_ALTNAME_INVALID/,
    remedy: /It is for "DNS:as.example.com": call one of these names/,
  },
  {
    broken: 'the certificate of the server is over in a few days',
    examined: async () => {
      const notAfter = new Date(Date.now() + 3.5 * 86_400_000);
      return examine(await withServer(await world.ca.issueServerCertificate({ notAfter })));
    },
    look: 'server_tls',
    result: 'note',
    found: /it expires in 3 days/,
    remedy: /Renew it in time/,
  },
  {
    broken: 'the metadata has no jwks_uri',
    examined: async () => examine(await publish({ metadata: ({ jwks_uri: _uri, ...rest }) => rest })),
    look: 'keys',
    found: /has no jwksUri/,
    remedy: /Set `jwt.jwksUri`/,
  },
  {
    broken: 'no key is published',
    examined: async () => examine(await publish({ keys: [] })),
    look: 'keys',
    found: /0 keys at https:.*none that is fit for an accepted algorithm/,
    remedy: /have it use a fit key: RSA from 2048/,
  },
  {
    broken: 'the only key is RSA of 1024 bits',
    examined: async () => {
      const { publicKey: weak } = newKeyPair('rsa', { modulusLength: 1024 });
      return examine(await publish({ keys: [{ ...weak.export({ format: 'jwk' }), kid: 'weak' }] }));
    },
    look: 'keys',
    found: /1 key at https:.*none that is fit/,
    remedy: /RSA from 2048 to 8192 bits/,
  },
  {
    broken: 'one key among others is RSA of 1024 bits',
    examined: async () => {
      const { publicKey: weak } = newKeyPair('rsa', { modulusLength: 1024 });
      return examine(
        await publish({ keys: [publicKey, { ...weak.export({ format: 'jwk' }), kid: 'weak' }] }),
      );
    },
    look: 'keys',
    result: 'note',
    found: /the key "weak" is not used: its modulus is not of 2048 to 8192 bits/,
    remedy: /Replace the key at the server/,
  },
  {
    broken: 'a private key is published',
    examined: async () => {
      const { privateKey } = newKeyPair('ec', { namedCurve: 'P-256' });
      return examine(
        await publish({ keys: [publicKey, { ...privateKey.export({ format: 'jwk' }), kid: 'two' }] }),
      );
    },
    look: 'keys',
    found: /the key "two" \(kty "EC"\) is published with its secret part/,
    remedy: /replace it: it is known now/,
  },
  {
    broken: 'a shared secret is published',
    examined: async () =>
      examine(await publish({ keys: [publicKey, { kty: 'oct', k: 'c2VjcmV0', kid: 'three' }] })),
    look: 'keys',
    found: /the key "three" \(kty "oct"\) is published with its secret part/,
    remedy: /Take it out of the published set/,
  },
  {
    broken: 'a member of the JWK Set is no object',
    examined: async () => examine(await publish({ keys: [publicKey, 'a key'] })),
    look: 'keys',
    result: 'note',
    found: /is no object/,
    remedy: /leave it out/,
  },
  {
    broken: 'there is no key for one of the algorithms that are accepted',
    examined: async () => configured({ issuer: await publish(), jwt: { algorithms: ['ES256', 'PS256'] } }),
    look: 'keys',
    result: 'note',
    found: /jwt.algorithms has PS256, for which there is no key/,
    remedy: /Leave out what is not used/,
  },
  {
    broken: 'the server binds no tokens',
    examined: async () =>
      examine(await publish({ metadata: ({ issuer, jwks_uri }) => ({ issuer, jwks_uri }) })),
    look: 'token_binding',
    found: /neither that it binds tokens to certificates nor that it knows DPoP/,
    remedy: /Switch it on at the server/,
  },
  {
    broken: 'no algorithm of proofs is both of the server and of the API',
    examined: async () =>
      configured(
        { issuer: await publish() },
        { dpop: { publicUrl: 'https://api.example.com', algorithms: ['PS256'] } },
      ),
    look: 'token_binding',
    found: /the server takes \["ES256"\], and dpop.algorithms \["PS256"\]/,
    remedy: /Set dpop.algorithms/,
  },
  {
    broken: 'the API accepts DPoP, which the server does not know',
    examined: async () => {
      const issuer = await publish({
        metadata: ({ dpop_signing_alg_values_supported: _algorithms, ...rest }) => rest,
      });
      return examine(issuer, '--public-url', 'https://api.example.com');
    },
    look: 'token_binding',
    result: 'note',
    found: /the server does not say that it knows DPoP/,
    remedy: /Look at the server/,
  },
  {
    broken: 'the clock of the server is an hour ahead',
    examined: async () =>
      examine(await publish({ headers: { date: new Date(Date.now() + 3_600_000).toUTCString() } })),
    look: 'clock',
    found: /its clock is 3600 s ahead of that of this machine, and 5 s are forgiven/,
    remedy: /Set the clocks by NTP/,
  },
  {
    broken: 'the clock of the server is a minute behind',
    examined: async () =>
      examine(
        await publish({ openid: true, headers: { date: new Date(Date.now() - 60_000).toUTCString() } }),
      ),
    look: 'clock',
    found: /its clock is (?:59|60) s behind that of this machine/,
    remedy: /Set the clocks by NTP/,
  },
  {
    broken: 'the client secret is wrong',
    examined: async () => introspecting({ status: 401, body: { error: 'invalid_client' } }),
    look: 'introspection',
    found: /authorization_server_refused_client: .*status 401 "invalid_client"/,
    remedy: /Correct `introspection.clientAuthentication`/,
  },
  {
    broken: 'introspection says of every token that it is active',
    examined: async () => introspecting({ body: { active: true } }),
    look: 'introspection',
    found: /a token which nobody has is active/,
    remedy: /it is no introspection/,
  },
  {
    broken: 'introspection says so with right claims',
    examined: async () => {
      const claims = {
        aud: CONFIG.audience,
        exp: Math.floor(Date.now() / 1000) + 60,
        sub: 'x',
        client_id: 'x',
      };
      return introspecting({ body: { active: true, ...claims } });
    },
    look: 'introspection',
    found: /a token which nobody has is active/,
    remedy: /it is no introspection/,
  },
  {
    broken: 'introspection answers a text for active',
    examined: async () => introspecting({ body: { active: 'false' } }),
    look: 'introspection',
    found: /active is no boolean/,
    remedy: /RFC 7662/,
  },
  {
    broken: 'introspection refuses what is no JWT',
    examined: async () => introspecting({ status: 400, body: { error: 'unsupported_token_type' } }),
    look: 'introspection',
    found: /is refused: the introspection endpoint answered 400 "unsupported_token_type"/,
    remedy: /look at `introspection.parameters`/,
  },
  {
    broken: 'the introspection endpoint is not there',
    examined: async () => introspecting({ status: 404 }),
    look: 'introspection',
    found: /authorization_server_answer_invalid: .*status 404/,
    remedy: /Set `jwt.jwksUri` or `introspection.endpoint`/,
  },
  {
    broken: 'the aud of a token does not name the client that asks about it (Keycloak)',
    examined: async () => withToken({}),
    look: 'introspection_audience',
    found:
      /the token is not active, and its aud \["https:\/\/api.example.com"\] does not name the client "api"/,
    remedy: /add an audience mapper with the client id of this API/,
  },
  {
    broken: 'a token has been revoked',
    examined: async () => withToken({ claims: { aud: [CONFIG.audience, 'api'] } }),
    look: 'introspection_audience',
    found: /^the token is not active$/,
    remedy: /If new tokens are inactive too/,
  },
  {
    broken: 'the API proves itself by TLS at an endpoint that asks for no certificate',
    examined: async () => {
      const issuer = await publish({
        introspection: { body: { active: false } },
        tls: { requestCert: false },
      });
      return byTls(issuer);
    },
    look: 'introspection_tls',
    found: /does not ask for a client certificate/,
    remedy: /mtls_endpoint_aliases/,
  },
  {
    broken: 'the certificate by which the API proves itself is of a CA that the endpoint does not name',
    examined: async () => {
      const ca = await TestCertificateAuthority.create('Another CA');
      return byTls(await publish({ introspection: { body: { active: false } }, tls: { ca: ca.cert } }));
    },
    look: 'introspection_tls',
    result: 'note',
    found: /asks for a client certificate of \["CN=Another CA"\]; ours is issued by "CN=Test CA"/,
    remedy: /Use a certificate of one of these CAs/,
  },
];

async function byTls(issuer: string): Promise<Examined> {
  const { cert, key } = world.client1;
  const clientAuthentication = { method: 'tls_client_auth', clientId: 'api' };
  return configured({
    issuer,
    tls: { ca: world.ca.cert, cert, key },
    introspection: { clientAuthentication },
  });
}

/** A JWT of a server whose introspection says that nothing is active. */
async function withToken(claims: object): Promise<Examined> {
  const as = await startAuthorizationServer(world);
  const token = await as.accessToken(claims);
  const clientAuthentication = { ...CLIENT, clientSecret: 'api-secret' };
  const config = {
    ...CONFIG,
    authorizationServers: [
      { issuer: as.issuer, tls: { ca: world.ca.cert }, introspection: { clientAuthentication } },
    ],
    policies: { only: {} },
  };
  return doctor({ ...files, token, 'config.json': JSON.stringify(config) }, [
    '--config',
    '@config.json',
    '--token-file',
    '@token',
  ]);
}

describe('doctor names what is wrong with an authorization server, and what to do', () => {
  test.each(SITUATIONS)('doctor names the situation, and a remedy, where $broken', async (situation) => {
    const seen = await seenAsExpected(situation);
    expect(seen.out).not.toMatch(/the-secret-of-the-api|api-secret|PRIVATE KEY|eyJ/);
  });
});

describe('doctor finds nothing wrong with an authorization server that is right', () => {
  test('one that is right and introspects has no problem in any look', async () => {
    const seen = await introspecting({ body: { active: false } });
    expect(seen.report.findings.filter(({ result }) => result === 'problem')).toEqual([]);
    expect(seen.code).toBe(0);
    expect(seen.report.findings.map(({ look }) => look)).toEqual([
      'server_tls',
      'metadata',
      'keys',
      'token_binding',
      'clock',
      'introspection',
      'introspection_audience',
    ]);
  });

  test('an opaque token that is active, and a JWT of another issuer, are told apart', async () => {
    const as = await startAuthorizationServer(world);
    const other = await startAuthorizationServer(world);
    const opaque = as.opaqueToken({ certificate: world.client1 });
    const foreign = await other.accessToken({ certificate: world.client1 });
    const server = {
      issuer: as.issuer,
      introspection: { clientAuthentication: { ...CLIENT, clientSecret: 'api-secret' } },
    };
    const see = async (token: string): Promise<readonly Seen[]> => {
      const config = {
        ...CONFIG,
        authorizationServers: [{ tls: { ca: world.ca.cert }, ...server }],
        policies: { only: {} },
      };
      const given = { ...files, token, 'config.json': JSON.stringify(config) };
      const seen = await doctor(given, ['--config', '@config.json', '--token-file', '@token']);
      return findingsOf(seen, 'introspection_audience');
    };
    expect(await see(opaque)).toMatchObject([
      { result: 'ok', found: expect.stringMatching(/the token is active, and its aud/) as string },
    ]);
    expect(await see(foreign)).toMatchObject([
      { result: 'not-checked', found: 'the token is of another issuer' },
    ]);
    expect(await see('opaque-unknown')).toMatchObject([
      { result: 'problem', found: 'the token is not active' },
    ]);
    as.behave('introspection', { status: 500 });
    expect(await see(opaque)).toMatchObject([
      { result: 'problem', found: expect.stringMatching(/unreachable/) as string },
    ]);
  });

  test('a server that proves nothing by metadata, for all is configured, gets a note', async () => {
    const issuer = await startServer(world, ({ url }) =>
      url === '/keys' ? { body: { keys: [publicKey] } } : undefined,
    );
    const seen = await configured({ issuer, jwt: { jwksUri: `${issuer}/keys` } });
    expect(findingsOf(seen, 'metadata')).toMatchObject([{ result: 'note' }]);
    expect(findingsOf(seen, 'keys')).toMatchObject([
      { result: 'ok', found: expect.stringMatching(/ES256/) as string },
    ]);
    expect(findingsOf(seen, 'token_binding')).toMatchObject([{ result: 'not-checked' }]);
    const fixed = await configured({ issuer, jwt: { jwks: { keys: [publicKey] } } });
    expect(findingsOf(fixed, 'keys')).toMatchObject([
      { result: 'ok', found: '1 key in the configuration, for ES256' },
    ]);
    const secret = await configured({ issuer, jwt: { secret: 's'.repeat(64) } });
    expect(findingsOf(secret, 'keys')).toMatchObject([
      { result: 'ok', found: 'a shared secret, in the configuration' },
    ]);
  });

  test('one that is called through a proxy, or without TLS on this machine, is looked at as far as that goes', async () => {
    const proxied = await configured({
      issuer: 'https://as.example.com',
      http: { proxy: 'http://127.0.0.1:1' },
    });
    for (const look of ['server_tls', 'clock'] as const) {
      expect(findingsOf(proxied, look)).toMatchObject([{ result: 'not-checked' }]);
    }
    const issuer = await startPlainServer(() => undefined);
    const plain = await configured({ issuer, http: { allowLoopbackHttp: true } });
    expect(findingsOf(plain, 'server_tls')).toMatchObject([
      {
        result: 'problem',
        found: 'it is called without TLS',
        remedy: expect.stringMatching(/for development/) as string,
      },
    ]);
  });

  test('what is not needed is a note at most: keys of other kinds, keys where no JWT is verified, binding where it may be missing', async () => {
    const others = await examine(await publish({ keys: [publicKey, { kty: 'new', kid: 'n' }] }));
    expect(findingsOf(others, 'keys')).toContainEqual(
      expect.objectContaining({
        result: 'note',
        found: 'the key "n" is of a kind that signs no token, and is left out',
      }),
    );
    const issuer = await publish({
      metadata: ({ issuer: own, introspection_endpoint }) => ({ issuer: own, introspection_endpoint }),
      introspection: { body: { active: false } },
    });
    const server = {
      issuer,
      jwt: false,
      binding: 'if-bound',
      introspection: { clientAuthentication: CLIENT },
    };
    const opaque = await configured(server);
    expect(findingsOf(opaque, 'keys')).toMatchObject([
      { result: 'not-checked', found: 'JWTs are not verified here' },
    ]);
    expect(findingsOf(opaque, 'token_binding')).toMatchObject([{ result: 'note' }]);
    expect(opaque.code).toBe(0);
  });

  test('the date of a server whose first document is that of OpenID is read from there', async () => {
    const seen = await examine(await publish({ openid: true }), '--public-url', 'https://api.example.com');
    expect(findingsOf(seen, 'metadata')).toMatchObject([
      { result: 'ok', found: expect.stringMatching(/^OpenID/) as string },
    ]);
    expect(findingsOf(seen, 'clock')).toMatchObject([{ result: 'ok' }]);
    expect(seen.code).toBe(0);
  });
});
