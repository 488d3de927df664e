import { assert as check, property, string } from 'fast-check';
import type { VerifiedAccessToken } from 'nestjs-cert-bound-auth';
import { selfSignedCertificate } from 'nestjs-cert-bound-auth/testing';
import { beforeAll, describe, expect, test } from 'vitest';
import {
  certificateHeaders,
  CREDENTIAL_HEADERS,
  type ToldCertificate,
  tokenHeaders,
} from '../../lib/forward-auth/credential-headers.js';
import { createWorld, startAuthorizationServer, type World } from '../support/world.js';
import { qwac } from '../support/pki/qualified-statements.js';
import { optionsFor, startEndpoint, WAYS } from './support/endpoint.js';

let world: World;
beforeAll(async () => {
  world = await createWorld();
});

const NAMES = Object.values(CREDENTIAL_HEADERS);

describe.each(WAYS)('the headers of an accepted request, by %s', (way) => {
  test('row 43: a certificate with an empty subject, as SPIFFE has them, passes, and its subject is empty', async () => {
    const as = await startAuthorizationServer(world);
    const endpoint = await startEndpoint(way, optionsFor(world, as));
    const certificate = await world.ca.issueClientCertificate('', { uris: ['spiffe://bank.example/a'] });
    const token = await as.accessToken({ certificate });
    const { status, headers } = await endpoint.ask('any', { token, certificate });
    expect([status, headers['x-credential-certificate-subject']]).toEqual([200, '']);
    expect(headers['x-credential-certificate-thumbprint']).toBe(certificate.thumbprint);
    expect(headers['x-credential-certificate-spiffe-id']).toBe('spiffe://bank.example/a');
    expect(headers['x-credential-certificate-principal']).toBe('');
  });

  test('row 43: the headers tell scope, client, type, times, subject, audience, issuer, id, custom claims and certificate', async () => {
    const as = await startAuthorizationServer(world);
    const custom = {
      'X-Credential-Tenant': 'tenant.id',
      'X-Roles': 'realm.roles',
      'X-Orders': ['resource_access', 'orders.bank.example', 'roles'],
      'X-None': 'none',
    };
    const endpoint = await startEndpoint(way, optionsFor(world, as, { credentialHeaders: custom }));
    const now = Math.floor(Date.now() / 1000);
    const claims = {
      iat: now,
      exp: now + 60,
      nbf: now - 1,
      jti: 'j-1',
      tenant: { id: 't-1' },
      realm: { roles: ['a', 'b'] },
      resource_access: { 'orders.bank.example': { roles: ['c'] } },
    };
    const token = await as.accessToken({
      certificate: world.client1,
      scope: 'a b',
      subject: 'user-1',
      claims,
    });
    const { headers } = await endpoint.ask('any', { token, certificate: world.client1 });
    const sent = Object.fromEntries(
      Object.entries(headers).filter(([name]) => name.startsWith('x-') && name !== 'x-powered-by'),
    );
    expect(sent).toEqual({
      'x-credential-scope': 'a b',
      'x-credential-client-id': 'client-1',
      'x-credential-token-type': 'Bearer',
      'x-credential-exp': String(now + 60),
      'x-credential-iat': String(now),
      'x-credential-nbf': String(now - 1),
      'x-credential-sub': 'user-1',
      'x-credential-aud': 'https://api.example.com',
      'x-credential-iss': as.issuer,
      'x-credential-jti': 'j-1',
      'x-credential-certificate-subject': 'CN=client1',
      'x-credential-certificate-serial': expect.stringMatching(/^[\dA-F]{30,32}$/),
      'x-credential-certificate-thumbprint': world.client1.thumbprint,
      'x-credential-certificate-principal': 'CN=client1',
      'x-credential-certificate-spiffe-id': '',
      'x-credential-certificate-organization-id': '',
      'x-credential-certificate-psd2-roles': '',
      'x-credential-tenant': 't-1',
      'x-roles': 'a,b',
      'x-orders': 'c',
      'x-none': '',
    });
  });

  test('row 43: the headers are all there when nearly every claim is absent, with empty values that overwrite a client’s own', async () => {
    const as = await startAuthorizationServer(world);
    const { authorizationServers } = as.moduleOptions;
    const endpoint = await startEndpoint(
      way,
      optionsFor(world, as, { authorizationServers, binding: 'if-bound' }),
    );
    const claims = { sub: undefined, client_id: undefined, iat: undefined, jti: undefined, iss: undefined };
    const headers = { 'x-credential-sub': 'admin', 'x-credential-scope': 'everything' };
    const answer = await endpoint.ask('any', { token: as.opaqueToken({ claims }), headers });
    expect(answer.status).toBe(200);
    const empty = NAMES.filter((name) => answer.headers[name.toLowerCase()] === '');
    expect(empty).toEqual(
      [
        'Scope',
        'Client-ID',
        'Iat',
        'Nbf',
        'Sub',
        'Jti',
        'Certificate-Subject',
        'Certificate-Serial',
        'Certificate-Thumbprint',
        'Certificate-Principal',
        'Certificate-Spiffe-ID',
        'Certificate-Organization-ID',
        'Certificate-PSD2-Roles',
      ].map((name) => `X-Credential-${name}`),
    );
    // The issuer is the one that is configured, whatever the answer leaves out.
    expect(answer.headers['x-credential-iss']).toBe(as.issuer);
  });

  test('row 43: the headers are not there when a request is refused', async () => {
    const as = await startAuthorizationServer(world);
    const endpoint = await startEndpoint(way, optionsFor(world, as));
    const token = await as.accessToken({ certificate: world.client1 });
    const { headers } = await endpoint.ask('any', { token, certificate: world.client2 });
    expect(Object.keys(headers).filter((name) => name.startsWith('x-credential'))).toEqual([]);
  });

  test('row 43: the headers carry whatever a claim holds without breaking', async () => {
    const as = await startAuthorizationServer(world);
    const endpoint = await startEndpoint(
      way,
      optionsFor(world, as, { credentialHeaders: { 'X-Name': 'name' } }),
    );
    const name = 'Zoë\r\nX-Credential-Sub: admin \u{1f600} \ud800 100% ';
    const token = await as.accessToken({ certificate: world.client1, claims: { name } });
    const { status, headers } = await endpoint.ask('any', { token, certificate: world.client1 });
    expect([status, headers['x-credential-sub']]).toEqual([200, 'user-1']);
    expect(headers['x-name']).toBe('Zo%C3%AB%0D%0AX-Credential-Sub: admin %F0%9F%98%80 %EF%BF%BD 100%25%20');
  });
});

test('row 43: the headers tell nothing about a certificate that a token could not be bound to', async () => {
  const as = await startAuthorizationServer(world);
  const endpoint = await startEndpoint('node', optionsFor(world, as, { binding: 'if-bound' }));
  const headers = { 'x-ssl-client-verify': 'FAILED:self-signed certificate' };
  const answer = await endpoint.ask('any', {
    token: await as.accessToken(),
    certificate: world.client1,
    headers,
  });
  expect(answer.status).toBe(200);
  expect(answer.headers['x-credential-certificate-thumbprint']).toBe('');
});

test('RFC8705-2.2: the headers tell the thumbprint, and no name, of a certificate whose chain nobody verifies', async () => {
  const as = await startAuthorizationServer(world);
  const any = { from: 'header', header: 'x-ssl-client-cert', format: 'pem', trust: 'any' } as const;
  const options = { binding: 'if-bound', clientCertificate: any } as const;
  const endpoint = await startEndpoint('node', optionsFor(world, as, options));
  const certificate = await selfSignedCertificate('admin');
  for (const token of [await as.accessToken(), await as.accessToken({ certificate })]) {
    const { status, headers } = await endpoint.ask('any', { token, certificate });
    expect([status, headers]).toMatchObject([
      200,
      {
        'x-credential-certificate-subject': '',
        'x-credential-certificate-serial': '',
        'x-credential-certificate-principal': '',
        'x-credential-certificate-thumbprint': certificate.thumbprint,
      },
    ]);
  }
});

test('row 43: the headers tell who the holder of a certificate is by the policy, and roles of PSD2 only with the profile', async () => {
  const as = await startAuthorizationServer(world);
  const header = { from: 'header', header: 'x-ssl-client-cert', format: 'pem', trust: 'proxy' } as const;
  const policies = {
    plain: { clientCertificate: header },
    psd2: {
      clientCertificate: {
        ...header,
        policy: { profile: 'psd2-qwac', issuers: [{ ca: world.ca.cert }], principal: 'cn' },
      },
    },
    mistaken: {
      clientCertificate: {
        ...header,
        policy: {
          principal: () => {
            throw new Error('no database');
          },
        },
      },
    },
  } as const;
  const endpoint = await startEndpoint('node', optionsFor(world, as, { policies }));
  const certificate = await world.ca.issueClientCertificate('tpp', qwac('PSP_PI', 'PSP_AI'));
  const token = await as.accessToken({ certificate });
  const told = async (policy: string): Promise<unknown> => {
    const { status, headers } = await endpoint.ask(policy, { token, certificate });
    const names = ['principal', 'organization-id', 'psd2-roles'];
    return [status, ...names.map((name) => headers[`x-credential-certificate-${name}`])];
  };
  const subject = 'CN=tpp.example,organizationIdentifier=PSDDE-BAFIN-123456,O=Example TPP GmbH,C=DE';
  expect(await told('plain')).toEqual([200, subject, 'PSDDE-BAFIN-123456', '']);
  expect(await told('psd2')).toEqual([200, 'tpp.example', 'PSDDE-BAFIN-123456', 'PSP_PI PSP_AI']);
  expect(await told('mistaken')).toEqual([503, undefined, undefined, undefined]);
});

test('row 43: the headers of other policies are there without a value, whatever their case', async () => {
  const as = await startAuthorizationServer(world);
  const header = 'X-Phantom';
  const phantomToken = {
    from: 'key',
    header,
    key: world.server.key,
    algorithm: 'ES256',
    issuer: 'i',
  } as const;
  const policies = {
    any: {},
    tenant: { credentialHeaders: { 'X-Tenant': 'tenant' } },
    other: { credentialHeaders: { 'x-tenant': 'sub', 'X-Role': 'role' }, phantomToken },
    same: { credentialHeaders: { 'x-PHANTOM': 'sub' } },
  };
  const endpoint = await startEndpoint('node', optionsFor(world, as, { policies }));
  const token = await as.accessToken({ certificate: world.client1, claims: { tenant: 't-1', role: 'r' } });
  const told = async (policy: string): Promise<unknown> => {
    const { headers } = await endpoint.ask(policy, { token, certificate: world.client1 });
    return [headers['x-tenant'], headers['x-role'], headers['x-phantom']];
  };
  expect(await told('any')).toEqual(['', '', '']);
  expect(await told('tenant')).toEqual(['t-1', '', '']);
  expect(await told('other')).toEqual(['user-1', 'r', expect.stringMatching(/^ey[\w.-]+$/)]);
  expect(await told('same')).toEqual(['', '', 'user-1']);
});

test('row 43: what is kept of a known token and of its certificate at one policy is told at no other', async () => {
  const as = await startAuthorizationServer(world);
  const policies = {
    plain: {},
    tenant: { credentialHeaders: { 'X-Tenant': 'tenant' } },
    role: { credentialHeaders: { 'X-Tenant': 'role' } },
    // Of a certificate that nobody has verified no names are told.
    unverified: {
      clientCertificate: { from: 'header', header: 'X-SSL-Client-Cert', format: 'pem', trust: 'any' },
    },
  } as const;
  const endpoint = await startEndpoint('node', optionsFor(world, as, { policies }));
  const token = await as.accessToken({ certificate: world.client1, claims: { tenant: 't-1', role: 'r' } });
  const told = async (policy: string): Promise<unknown> => {
    const { headers } = await endpoint.ask(policy, { token, certificate: world.client1 });
    return [headers['x-tenant'], headers['x-credential-certificate-subject'] !== ''];
  };
  for (let round = 0; round < 3; round += 1) {
    expect(await told('plain')).toEqual(['', true]);
    expect(await told('tenant')).toEqual(['t-1', true]);
    expect(await told('role')).toEqual(['r', true]);
    expect(await told('unverified')).toEqual(['', false]);
  }
});

const TOKEN: VerifiedAccessToken = {
  issuer: 'https://as.example.com',
  audience: ['https://api.example.com'],
  scopes: new Set(),
  scope: '',
  expiresAt: 1_800_000_000,
  confirmation: {},
  boundBy: [],
  claims: {},
};

function headersFor(
  token: Partial<VerifiedAccessToken>,
  custom: Readonly<Record<string, string>> = {},
  certificate?: ToldCertificate,
): Readonly<Record<string, string>> {
  const all = { subject: undefined, clientId: undefined, issuedAt: undefined, tokenId: undefined };
  return {
    ...tokenHeaders({ ...all, ...TOKEN, ...token }, 'Bearer', new Map(Object.entries(custom))),
    ...certificateHeaders(certificate),
  };
}

describe('the value of a header', () => {
  test.each<[string, unknown, string]>([
    ['text', 'abc', 'abc'],
    ['text with a quote, a comma and a space', 'a", b', 'a", b'],
    ['a space at either end', ' a ', '%20a%20'],
    ['spaces alone', '  ', '%20%20'],
    ['spaces after what is encoded', 'ä  ', '%C3%A4%20%20'],
    ['a tab', 'a\tb', 'a%09b'],
    ['a NUL', '\0', '%00'],
    ['DEL', '\u007f', '%7F'],
    ['a number', 42, '42'],
    ['a large number', 1e21, '1000000000000000000000'],
    ['a fraction', 1.5, '1.5'],
    ['true', true, 'true'],
    ['false', false, 'false'],
    ['null', null, ''],
    ['an empty list', [], ''],
    ['a list', ['a,b', 'c', 1, null], 'a%2Cb,c,1,'],
    ['an object', { a: ['ä'] }, '{"a":["%C3%A4"]}'],
  ])('the value of a header is encoded right for %s', (_, value, expected) => {
    expect(headersFor({ claims: { value } }, { 'X-Value': 'value' })['X-Value']).toBe(expected);
  });

  test('the value for scopes and audiences keeps them apart, whatever they hold', () => {
    const headers = headersFor({ scopes: new Set(['a b', 'c']), audience: ['x,y', 'z'] });
    expect(headers['X-Credential-Scope']).toBe('a%20b c');
    expect(headers['X-Credential-Aud']).toBe('x%2Cy,z');
  });

  test('the value for a subject with several attributes, and a comma in one, is one line', () => {
    const subject = 'O=Bank\\, Inc.\nCN=client';
    const certificate = {
      subject,
      serialNumber: '01',
      thumbprint: 't',
      chainVerified: true,
      psd2Roles: [],
    } as const;
    const headers = headersFor({}, {}, certificate);
    expect(headers['X-Credential-Certificate-Subject']).toBe('O=Bank\\, Inc.,CN=client');
  });

  test('the value for many spaces takes a time that grows with them, not with their square', () => {
    const value = `a${' '.repeat(200_000)}b`;
    const started = performance.now();
    expect(headersFor({ subject: value })['X-Credential-Sub']).toBe(value);
    // With the square it is more than ten seconds.
    expect(performance.now() - started).toBeLessThan(2_000);
  });

  test('the value for any text at all is a valid header, and decodes to the text', () => {
    check(
      property(string({ unit: 'binary' }), (value) => {
        const header = headersFor({ subject: value })['X-Credential-Sub'] ?? '';
        expect(header).toMatch(/^(?:[\x21-\x7e](?:[\x20-\x7e]*[\x21-\x7e])?)?$/);
        expect(decodeURIComponent(header)).toBe(Buffer.from(value).toString());
      }),
    );
  });
});
