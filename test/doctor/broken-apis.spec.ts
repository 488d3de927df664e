import type { INestApplication } from '@nestjs/common';
import { type CertBoundAuthOptions, forwardedBy } from 'nestjs-cert-bound-auth';
import {
  TestAuthorizationServer,
  TestCertificateAuthority,
  type TestDpopClient,
} from 'nestjs-cert-bound-auth/testing';
import { calculateJwkThumbprint, exportJWK, generateKeyPair } from 'jose';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { seeStolenToken } from '../../lib/doctor/token-looks.js';
import { PLATFORMS } from '../support/platforms.js';
import { TokenController } from '../support/token-controller.js';
import { AUDIENCE, createWorld, startApi, type World } from '../support/world.js';
import {
  type Answer,
  CLIENTS,
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
let as: TestAuthorizationServer;
let files: Readonly<Record<string, string>>;
let token: string;

beforeAll(async () => {
  world = await createWorld();
  as = await TestAuthorizationServer.start({ ca: world.ca });
  token = await as.accessToken({ certificate: world.client1 });
  files = { ...filesOf(world), token };
});
afterAll(async () => as.stop());

const BEARER = { status: 401, headers: { 'www-authenticate': 'Bearer realm="x"' } };
const TOKEN = ['--token-file', '@token'];

/** The API by its URL, with the certificates of both clients. */
async function examine(origin: string, ...args: readonly string[]): Promise<Examined> {
  return doctor(files, ['--url', `${origin}/payments`, ...CLIENTS, ...args]);
}

/** An API that answers so without a token. */
async function answering(answer: Answer, ...args: readonly string[]): Promise<Examined> {
  return examine(await startServer(world, () => answer), ...args);
}

/** An API that answers so to who sends a token. */
async function toTokens(
  answer: (headers: Record<string, unknown>) => Answer,
  ...args: readonly string[]
): Promise<Examined> {
  const origin = await startServer(world, ({ headers }) =>
    headers.authorization === undefined ? BEARER : answer(headers),
  );
  return examine(origin, ...TOKEN, ...args);
}

/** An API that tells this of itself. */
async function telling(
  document: unknown,
  challenge?: (origin: string) => string,
  ...args: readonly string[]
): Promise<Examined> {
  const origin = await startServer(world, ({ url = '' }, own) => {
    if (url.startsWith('/.well-known/oauth-protected-resource')) return { body: document };
    const named = challenge === undefined ? '' : `, resource_metadata="${challenge(own)}"`;
    return { status: 401, headers: { 'www-authenticate': `Bearer realm="x"${named}` } };
  });
  return examine(origin, ...args);
}

async function withCertificate(
  options: Parameters<TestCertificateAuthority['issueServerCertificate']>[0],
): Promise<Examined> {
  const { cert, key } = await world.ca.issueServerCertificate(options);
  return examine(await startServer(world, () => BEARER, { cert, key }));
}

/** A real API behind a proxy that passes headers on, as they are. */
async function behindProxy(
  clientCertificate: NonNullable<CertBoundAuthOptions['clientCertificate']>,
): Promise<string> {
  const app = await startApi(world, 'express', as, [TokenController], { options: { clientCertificate } });
  return app.getUrl();
}

async function originOf(app: INestApplication): Promise<string> {
  return (await app.getUrl()).replace('127.0.0.1', 'localhost').replace('[::1]', 'localhost');
}

const SITUATIONS: readonly Situation[] = [
  {
    broken: 'the path is open',
    examined: async () => answering({ status: 200 }),
    look: 'challenge',
    found: /^200 without a token, where 401 was expected/,
    remedy: /This path is open\. Is CertBoundAuthModule imported/,
  },
  {
    broken: 'the path is not there',
    examined: async () => answering({ status: 404 }),
    look: 'challenge',
    found: /^404 without a token/,
    remedy: /answers unknown paths with 401: this is not it/,
  },
  {
    broken: 'something in front of the API redirects to a login page',
    examined: async () => answering({ status: 302, headers: { location: 'https://login.example' } }),
    look: 'challenge',
    found: /^302 without a token/,
    remedy: /as a login page does/,
  },
  {
    broken: 'a firewall answers before the API',
    examined: async () => answering({ status: 403 }),
    look: 'challenge',
    found: /^403 without a token/,
    remedy: /a firewall, or another guard/,
  },
  {
    broken: 'the proxy does not reach the API',
    examined: async () => answering({ status: 502 }),
    look: 'challenge',
    found: /^502 without a token/,
    remedy: /whether the proxy reaches it/,
  },
  {
    broken: 'the API takes the request for wrong',
    examined: async () => answering({ status: 400 }),
    look: 'challenge',
    found: /^400 without a token/,
    remedy: /Look at the log of the API/,
  },
  {
    broken: 'a proxy removes the challenge',
    examined: async () => answering({ status: 401 }),
    look: 'challenge',
    found: /^401 without WWW-Authenticate/,
    remedy: /whether a proxy removes it/,
  },
  {
    broken: 'another guard asks for a password',
    examined: async () => answering({ status: 401, headers: { 'www-authenticate': 'Basic realm="x"' } }),
    look: 'challenge',
    found: /for neither Bearer nor DPoP: "Basic realm/,
    remedy: /Another guard or a proxy answers first/,
  },
  {
    broken: 'the API is down',
    examined: async () => examine(`https://localhost:${await freePort()}`),
    look: 'challenge',
    found: /ECONNREFUSED/,
    remedy: /whether it runs/,
  },
  {
    broken: 'the server takes only certificates, and none is given',
    examined: async () => {
      const origin = await startServer(world, () => BEARER, { rejectUnauthorized: true });
      return doctor(files, ['--url', origin, '--ca', '@ca.pem']);
    },
    look: 'challenge',
    result: 'note',
    found: /refuses whoever has no certificate in the handshake/,
    remedy: /Give one by --cert and --key/,
  },
  {
    broken: 'the server does not trust the CA of the client',
    examined: async () => {
      const other = await TestCertificateAuthority.create('Another CA');
      return examine(await startServer(world, () => BEARER, { rejectUnauthorized: true, ca: other.cert }));
    },
    look: 'challenge',
    found: /refuses our certificate in the handshake/,
    remedy: /Add the CA to `mutualTls\(\{ ca \}\)`/,
  },
  {
    broken: 'the server names other CAs than that of the client',
    examined: async () => {
      const other = await TestCertificateAuthority.create('Another CA');
      return examine(await startServer(world, () => BEARER, { ca: other.cert }));
    },
    look: 'certificate_request',
    result: 'note',
    found: /certificate of \["CN=Another CA"\]; ours is issued by "CN=Test CA"/,
    remedy: /or add the CA to mutualTls/,
  },
  {
    broken: 'the server asks for no certificate',
    examined: async () => examine(await startServer(world, () => BEARER, { requestCert: false })),
    look: 'certificate_request',
    found: /does not ask for a client certificate/,
    remedy: /Use mutualTls\(.*forwardedBy/,
  },
  {
    broken: 'the CA of the API is not given',
    examined: async () => doctor(files, ['--url', await startServer(world, () => BEARER)]),
    look: 'api_tls',
    found: /SELF_SIGNED_CERT_IN_CHAIN/,
    remedy: /Give the CA that has issued it in --ca/,
  },
  {
    broken: 'the certificate of the API has expired',
    examined: async () =>
      withCertificate({ notBefore: new Date('2020-01-01'), notAfter: new Date('2021-01-01') }),
    look: 'api_tls',
    found: /CERT_HAS_EXPIRED/,
    remedy: /valid until 2021-01-01/,
  },
  {
    broken: 'the certificate of the API is for another name',
    examined: async () => withCertificate({ hosts: ['api.example.com'] }),
    look: 'api_tls',
    found: /ERR_TLS_CERT_ALTNAME_INVALID/,
    remedy: /It is for "DNS:api.example.com"/,
  },
  {
    broken: "the client's certificate has expired",
    examined: async () => withClient({ notBefore: new Date('2020-01-01'), notAfter: new Date('2021-01-01') }),
    look: 'client_certificate',
    found: /"CN=client3", issued by "CN=Test CA" has expired/,
    remedy: /Renew it, and get a new token/,
  },
  {
    broken: "the client's certificate is not valid yet",
    examined: async () => withClient({ notBefore: new Date(Date.now() + 86_400_000) }),
    look: 'client_certificate',
    found: /is valid from/,
    remedy: /Set the clocks/,
  },
  {
    broken: "the client's certificate is over tomorrow",
    examined: async () => withClient({ notAfter: new Date(Date.now() + 90_000_000) }),
    look: 'client_certificate',
    result: 'note',
    found: /it expires in 1 days/,
    remedy: /Renew it in time/,
  },
  {
    broken: 'the clock of the API is behind',
    examined: async () =>
      answering({
        ...BEARER,
        headers: { ...BEARER.headers, date: new Date(Date.now() - 120_000).toUTCString() },
      }),
    look: 'api_clock',
    found: /its clock is (?:119|120) s behind/,
    remedy: /Set the clocks by NTP/,
  },
  {
    broken: 'the metadata of the resource is of what is behind the proxy',
    examined: async () => telling({ resource: 'https://internal:3000' }),
    look: 'resource_metadata',
    found: /is "https:\/\/internal:3000", and belongs elsewhere/,
    remedy: /Set protectedResource.resource to the URL that clients call/,
  },
  {
    broken: 'the challenge names metadata at another host',
    examined: async () => telling({}, () => 'https://internal/.well-known/oauth-protected-resource'),
    look: 'resource_metadata',
    found: /which is elsewhere/,
    remedy: /Set protectedResource.resource/,
  },
  {
    broken: 'the metadata that the challenge names is no JSON',
    examined: async () => telling('<html>', (own) => `${own}/.well-known/oauth-protected-resource`),
    look: 'resource_metadata',
    found: /is no such document/,
    remedy: /whether a proxy leads this path to the API/,
  },
  {
    broken: 'the metadata is of a resource beside the one that is called',
    examined: async () => {
      let own = '';
      const origin = await startServer(world, ({ url = '' }) =>
        url.startsWith('/.well-known')
          ? { body: { resource: `${own}/orders`, authorization_servers: [] } }
          : {
              status: 401,
              headers: {
                'www-authenticate': `Bearer resource_metadata="${own}/.well-known/oauth-protected-resource/orders"`,
              },
            },
      );
      own = origin;
      return examine(origin);
    },
    look: 'resource_metadata',
    found: /is not above what was called/,
    remedy: /Set protectedResource.resource/,
  },
  {
    broken: 'the API that runs trusts another server than the configuration',
    examined: async () => {
      const origin = await startServer(world, ({ url = '' }, own) =>
        url.startsWith('/.well-known')
          ? { body: { resource: own, authorization_servers: ['https://old.example'] } }
          : BEARER,
      );
      return doctor(files, ['--issuer', as.issuer, '--url', origin, ...CLIENTS]);
    },
    look: 'resource_metadata',
    found: /its authorization servers are \["https:\/\/old.example"\], without \["https:\/\/localhost/,
    remedy: /has another configuration/,
  },
  {
    broken: 'the API does not accept the token',
    examined: async () =>
      toTokens(() => ({ status: 401, headers: { 'www-authenticate': 'Bearer error="invalid_token"' } })),
    look: 'token',
    found: /the token is not accepted: 401 invalid_token/,
    remedy: /Ask explain about this token/,
  },
  {
    broken: 'the API cannot ask its authorization server',
    examined: async () => toTokens(() => ({ status: 503 })),
    look: 'token',
    found: /the token is not accepted: 503/,
    remedy: /cannot ask its authorization server/,
  },
  {
    broken: 'an API takes a token from whoever sends it',
    examined: async () => toTokens(() => ({ status: 200 })),
    look: 'stolen_token',
    found: /accepted with another certificate \(200\): who steals it can use it/,
    remedy: /binding is 'if-bound'/,
  },
  ...(['nginx', 'haproxy', 'envoy', 'rfc9440'] as const).map((preset): Situation => ({
    broken: `a header of ${preset} passes from any client`,
    examined: async () => {
      const { options } = forged(preset);
      return examine(
        (await behindProxy(options)).replace('127.0.0.1', 'localhost'),
        '--token-file',
        '@token',
      );
    },
    look: 'forged_header',
    found: new RegExp(`who sends the header ${forged(preset).header} is believed`),
    remedy: /Have the proxy replace or remove this header/,
  })),
  {
    broken: 'a header of a name of its own passes, with the verdict that it needs',
    examined: async () => {
      const options = forwardedBy.nginx({
        header: 'X-Our-Cert',
        verifyHeader: 'X-Our-Verdict',
        trustedProxies: ['loopback'],
      });
      const origin = (await behindProxy(options)).replace('127.0.0.1', 'localhost');
      const config = {
        listen: { port: 0 },
        trustedProxies: ['loopback'],
        audience: AUDIENCE,
        authorizationServers: [{ issuer: as.issuer, tls: { ca: world.ca.cert } }],
        clientCertificate: {
          ...options,
          verifyHeader: { name: 'X-Our-Verdict', value: 'SUCCESS' },
          trustedProxies: undefined,
        },
        policies: { only: {} },
      };
      const given = { ...files, 'config.json': JSON.stringify(config) };
      return doctor(given, ['--config', '@config.json', '--url', origin, ...CLIENTS, ...TOKEN]);
    },
    look: 'forged_header',
    found: /who sends the header x-our-cert is believed/,
    remedy: /name in trustedProxies nothing but the proxy/,
  },
  {
    broken: 'the API behind the proxy believes a header from anywhere',
    examined: async () => {
      const options = forwardedBy.nginx({ header: 'X-Client-Cert', trustedProxies: ['loopback'] });
      const backend = (await behindProxy(options)).replace('127.0.0.1', 'localhost');
      return toTokens(
        (headers) => ({ status: headers['x-client-cert'] === undefined ? 200 : 401 }),
        '--backend',
        backend,
      );
    },
    look: 'backend',
    found: /who sends the header x-client-cert is believed/,
    remedy: /trustedProxies/,
  },
  {
    broken: 'the API behind the proxy checks nothing',
    examined: async () => answering(BEARER, '--backend', await startPlainServer(() => ({ status: 200 }))),
    look: 'backend',
    found: /a direct call is answered 200 without a token/,
    remedy: /Only the proxy checks anything/,
  },
  {
    broken: 'the API behind the proxy can be reached past it',
    examined: async () => answering(BEARER, '--backend', await startPlainServer(() => ({ status: 401 }))),
    look: 'backend',
    result: 'note',
    found: /a direct call from here reaches it \(401\)/,
    remedy: /Let nobody but the proxy reach it/,
  },
  {
    broken: 'publicUrl is not what clients call',
    examined: async () =>
      doctor(files, [
        '--issuer',
        as.issuer,
        '--public-url',
        'https://internal:3000',
        '--url',
        await startServer(world, () => BEARER),
        ...CLIENTS,
      ]),
    look: 'public_url',
    found: /not under publicUrl, \["https:\/\/internal:3000"\]/,
    remedy: /Set dpop.publicUrl to the origin/,
  },
  {
    broken: 'the API refuses proofs for what clients call',
    examined: async () => withDpop('https://internal:3000'),
    look: 'token',
    found: /the token is not accepted: 401 invalid_dpop_proof/,
    remedy: /the line has what was expected: publicUrl/,
  },
  {
    broken: 'an API does not look at what a proof is for',
    examined: async () => {
      const origin = await startServer(world, ({ headers }) =>
        headers.authorization === undefined ? BEARER : { status: 200 },
      );
      return doctor({ ...files, 'dpop.jwk': await privateJwk() }, [
        '--url',
        origin,
        '--ca',
        '@ca.pem',
        ...TOKEN,
        '--dpop-key',
        '@dpop.jwk',
      ]);
    },
    look: 'dpop',
    found: /a proof for another URL is accepted/,
    remedy: /something else than this library/,
  },
];

/** A preset by which a header is read from anywhere on this machine. */
function forged(preset: 'nginx' | 'haproxy' | 'envoy' | 'rfc9440'): {
  readonly header: string;
  readonly options: NonNullable<CertBoundAuthOptions['clientCertificate']>;
} {
  const trustedProxies = ['loopback'] as const;
  switch (preset) {
    case 'nginx':
      return {
        header: 'x-ssl-client-cert',
        options: forwardedBy.nginx({ header: 'X-SSL-Client-Cert', trustedProxies }),
      };
    case 'haproxy':
      return {
        header: 'x-client-cert',
        options: forwardedBy.haproxy({ header: 'X-Client-Cert', trustedProxies }),
      };
    case 'envoy':
      return { header: 'x-forwarded-client-cert', options: forwardedBy.envoy({ trustedProxies }) };
    case 'rfc9440':
      return { header: 'client-cert', options: forwardedBy.rfc9440({ trustedProxies }) };
  }
}

async function withClient(
  options: Parameters<TestCertificateAuthority['issueClientCertificate']>[1],
): Promise<Examined> {
  const { cert, key } = await world.ca.issueClientCertificate('client3', options);
  const origin = await startServer(world, () => BEARER);
  return doctor({ ...files, 'own.pem': cert, 'own.key': key }, [
    '--url',
    origin,
    '--ca',
    '@ca.pem',
    '--cert',
    '@own.pem',
    '--key',
    '@own.key',
  ]);
}

async function privateJwk(): Promise<string> {
  const { privateKey } = await generateKeyPair('ES256', { extractable: true });
  return JSON.stringify(await exportJWK(privateKey));
}

/** A real API that accepts proofs under this URL, and a token that is bound to a key. */
async function withDpop(publicUrl?: string, nonce: 'off' | 'required' = 'off'): Promise<Examined> {
  const { privateKey, publicKey } = await generateKeyPair('ES256', { extractable: true });
  const [jwk, own] = await Promise.all([exportJWK(publicKey), exportJWK(privateKey)]);
  const bound = await as.accessToken({
    dpop: { thumbprint: await calculateJwkThumbprint(jwk) } as TestDpopClient,
  });
  const port = await freePort();
  const app = await startApi(world, 'express', as, [TokenController], {
    port,
    options: { dpop: { publicUrl: publicUrl ?? `https://localhost:${port}`, nonce } },
  });
  const given = { ...files, token: bound, 'dpop.jwk': JSON.stringify(own) };
  return doctor(given, [
    '--url',
    `${await originOf(app)}/`,
    '--ca',
    '@ca.pem',
    ...TOKEN,
    '--dpop-key',
    '@dpop.jwk',
  ]);
}

describe('doctor names what is wrong with an API, and what to do', () => {
  test.each(SITUATIONS)('doctor names the situation, and a remedy, where $broken', async (situation) => {
    const seen = await seenAsExpected(situation);
    expect(seen.out).not.toMatch(/PRIVATE KEY|eyJ/);
    expect(seen.out).not.toContain(token.slice(-20));
  });
});

describe('doctor finds nothing wrong with an API that is right', () => {
  test.each(PLATFORMS)(
    'one on %s has no problem: its token is good in its client alone, and no header helps',
    async (platform) => {
      const app = await startApi(world, platform, as, [TokenController]);
      const seen = await doctor(files, ['--url', `${await originOf(app)}/`, ...CLIENTS, ...TOKEN]);
      expect(seen.report.findings.filter(({ result }) => result === 'problem')).toEqual([]);
      expect(seen.code).toBe(0);
      expect(findingsOf(seen, 'token')).toMatchObject([
        { result: 'ok', found: 'the token is accepted (200)' },
      ]);
      expect(findingsOf(seen, 'stolen_token')).toMatchObject([
        { result: 'ok', found: 'the token is refused with another certificate (401 invalid_token)' },
      ]);
      expect(findingsOf(seen, 'forged_header')).toMatchObject([
        {
          result: 'ok',
          found: expect.stringMatching(/^no forged certificate header of \d\d is believed/) as string,
        },
      ]);
      expect(findingsOf(seen, 'certificate_request')).toMatchObject([
        { result: 'ok', found: 'the server asks for a client certificate of ["CN=Test CA"]' },
      ]);
    },
  );

  test('a thief is made where no other certificate is given', async () => {
    const app = await startApi(world, 'express', as, [TokenController]);
    const args = ['--ca', '@ca.pem', '--cert', '@client1.pem', '--key', '@client1.key', ...TOKEN];
    const seen = await doctor(files, ['--url', `${await originOf(app)}/`, ...args]);
    expect(findingsOf(seen, 'stolen_token')).toMatchObject([{ result: 'ok' }]);
    expect(findingsOf(seen, 'forged_header')).toMatchObject([{ result: 'ok' }]);
    const strict = await startServer(
      world,
      ({ headers }) => ({ status: headers.authorization === undefined ? 401 : 200 }),
      {
        rejectUnauthorized: true,
      },
    );
    const refused = await doctor(files, ['--url', strict, ...args]);
    for (const look of ['stolen_token', 'forged_header'] as const) {
      expect(findingsOf(refused, look)).toMatchObject([
        { result: 'not-checked', found: expect.stringMatching(/--other-cert and --other-key/) as string },
      ]);
    }
  });

  test('one with DPoP and nonces accepts a proof of the right key alone', async () => {
    const seen = await withDpop(undefined, 'required');
    expect(seen.report.findings.filter(({ result }) => result === 'problem')).toEqual([]);
    expect(findingsOf(seen, 'token')).toMatchObject([{ result: 'ok', found: 'the token is accepted (200)' }]);
    expect(findingsOf(seen, 'dpop')).toMatchObject([
      { result: 'ok', found: expect.stringMatching(/401 invalid_dpop_proof/) as string },
    ]);
    expect(findingsOf(seen, 'stolen_token')).toMatchObject([
      { result: 'ok', found: expect.stringMatching(/with another key/) as string },
    ]);
    expect(findingsOf(seen, 'forged_header')).toMatchObject([{ result: 'not-checked' }]);
  });

  test('one that accepts DPoP is not held against it that no key was given', async () => {
    const options = { dpop: { publicUrl: 'https://localhost' } };
    const app = await startApi(world, 'express', as, [TokenController], { options });
    const seen = await doctor(files, ['--url', `${await originOf(app)}/`, ...CLIENTS, ...TOKEN]);
    expect(findingsOf(seen, 'dpop')).toMatchObject([
      { result: 'not-checked', found: expect.stringMatching(/--dpop-key/) as string },
    ]);
    expect(findingsOf(seen, 'challenge')).toMatchObject([
      { result: 'ok', found: '401, and a challenge for Bearer and DPoP' },
    ]);
  });

  test('what it tells of itself is right where the resource and the servers are', async () => {
    const origin = await startServer(world, ({ url = '' }, own) =>
      url.startsWith('/.well-known')
        ? { body: { resource: own, authorization_servers: [as.issuer] } }
        : {
            status: 401,
            headers: {
              'www-authenticate': `DPoP resource_metadata="${own}/.well-known/oauth-protected-resource"`,
            },
          },
    );
    const given = ['--public-url', `${origin}/v1`, '--url', `${origin}/v1/payments`];
    const seen = await doctor(files, ['--issuer', as.issuer, ...given, ...CLIENTS]);
    expect(findingsOf(seen, 'resource_metadata').map(({ result }) => result)).toEqual(['ok', 'ok']);
    expect(findingsOf(seen, 'public_url')).toMatchObject([{ result: 'ok' }]);
    const alone = await doctor(files, ['--url', origin, ...CLIENTS]);
    expect(findingsOf(alone, 'resource_metadata').map(({ result }) => result)).toEqual(['ok', 'note']);
  });

  test('what cannot be checked is said to be so', async () => {
    const down = await examine(`https://localhost:${await freePort()}`, ...TOKEN);
    for (const look of ['api_clock', 'resource_metadata', 'stolen_token'] as const) {
      expect(findingsOf(down, look)).toMatchObject([{ result: 'not-checked' }]);
    }
    expect(findingsOf(await answering(BEARER), 'token')).toMatchObject([
      { result: 'not-checked', found: expect.stringMatching(/--token-file/) as string },
    ]);
    const free = await toTokens(() => ({ status: 200 }));
    expect(findingsOf(free, 'forged_header')).toMatchObject([
      { result: 'not-checked', found: 'the token is accepted without its certificate in any case' },
    ]);
    const unused = await toTokens(() => BEARER, '--backend', `http://localhost:${await freePort()}`);
    expect(findingsOf(unused, 'forged_header')).toMatchObject([
      { result: 'not-checked', found: expect.stringMatching(/says nothing$/) as string },
    ]);
    expect(findingsOf(unused, 'backend')).toMatchObject([
      { result: 'ok', found: expect.stringMatching(/does not reach it/) as string },
    ]);
    const only13 = await examine(await startServer(world, () => BEARER, { minVersion: 'TLSv1.3' }));
    expect(findingsOf(only13, 'certificate_request')).toMatchObject([{ result: 'not-checked' }]);
    const noDate = await startServer(world, () => ({
      ...BEARER,
      headers: { ...BEARER.headers, date: 'today' },
    }));
    expect(findingsOf(await examine(noDate), 'api_clock')).toMatchObject([{ result: 'not-checked' }]);
    const plain = await startPlainServer(() => BEARER);
    const withoutTls = await doctor(files, ['--url', plain]);
    expect(findingsOf(withoutTls, 'api_tls')).toEqual([]);
    expect(findingsOf(withoutTls, 'challenge')).toMatchObject([{ result: 'ok' }]);
  });

  test('an answer without end is not read to its end, and what a server writes gives a terminal no orders', async () => {
    const endless = await answering({ status: 200, body: 'x'.repeat(300_000) });
    expect(findingsOf(endless, 'challenge')).toMatchObject([
      { result: 'problem', found: 'more than 262144 bytes' },
    ]);
    const folder = await answering({ status: 401, headers: { 'www-authenticate': 'Basic \u009b31m' } });
    expect(findingsOf(folder, 'challenge')[0]?.found).toContain(String.raw`\u009b31m`);
  });

  test('opaque tokens are tried as well, and those that are bound to no certificate prove nothing by a header', async () => {
    const app = await startApi(world, 'express', as, [TokenController], {
      options: { ...as.moduleOptions, binding: 'if-bound' },
    });
    const url = `${await originOf(app)}/`;
    const opaque = { ...files, token: as.opaqueToken({ certificate: world.client1 }) };
    const seen = await doctor(opaque, ['--url', url, ...CLIENTS, ...TOKEN]);
    expect(seen.code).toBe(0);
    expect(findingsOf(seen, 'forged_header')).toMatchObject([{ result: 'ok' }]);
    const unbound = { ...files, token: await as.accessToken() };
    const free = await doctor(unbound, ['--url', url, ...CLIENTS, ...TOKEN]);
    expect(findingsOf(free, 'forged_header')).toMatchObject([
      { result: 'not-checked', found: 'the token is not bound to a certificate' },
    ]);
    expect(findingsOf(free, 'stolen_token')).toMatchObject([{ result: 'problem' }]);
  });

  test('doctor says so where no other certificate can be made', async () => {
    const owner = { kind: 'answered', status: 200, headers: {}, body: '', at: 0, took: 0 } as const;
    const url = new URL('https://localhost:1');
    const api = { url, ca: undefined, client: undefined, other: undefined, token, dpopKey: undefined };
    const all = { ...api, backend: undefined, configured: undefined };
    const { signal } = new AbortController();
    expect((await seeStolenToken(all, token, owner, undefined, signal)).found).toMatch(
      /install @peculiar\/x509$/,
    );
    expect((await seeStolenToken(all, token, owner, world.client2, signal)).found).toMatch(/ECONNREFUSED/);
  });

  test('a server that asks for certificates of any CA, by its address, is right', async () => {
    const address = (await startServer(world, () => BEARER, { ca: undefined })).replace(
      'localhost',
      '127.0.0.1',
    );
    const seen = await examine(address);
    expect(findingsOf(seen, 'certificate_request')).toMatchObject([
      { result: 'ok', found: 'the server asks for a client certificate, of any CA' },
    ]);
    expect(findingsOf(seen, 'api_tls')).toMatchObject([{ result: 'ok' }]);
    const without = await doctor(files, ['--url', await startServer(world, () => BEARER), '--ca', '@ca.pem']);
    expect(findingsOf(without, 'certificate_request')).toMatchObject([{ result: 'ok' }]);
  });

  test('a server that requires a certificate at the backend lets nobody pass', async () => {
    const backend = await startServer(world, () => BEARER, { rejectUnauthorized: true });
    expect(findingsOf(await answering(BEARER, '--backend', backend), 'backend')).toMatchObject([
      { result: 'ok', found: expect.stringMatching(/is refused in the handshake/) as string },
    ]);
  });
});
