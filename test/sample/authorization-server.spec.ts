import { createHash, X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createLocalJWKSet, decodeJwt, decodeProtectedHeader, type JSONWebKeySet, jwtVerify } from 'jose';
import { TestDpopClient } from 'nestjs-cert-bound-auth/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { CertificateName } from '../../sample-app/development/pki.js';
import {
  type SampleAuthorizationServer,
  startSampleAuthorizationServer,
} from './support/authorization-server.js';

const RESOURCE = 'https://api.bank.example';

let server: SampleAuthorizationServer;
beforeAll(async () => {
  server = await startSampleAuthorizationServer();
});
afterAll(() => server.stop());

async function requestToken(clientId: string, certificate?: CertificateName, scope = 'accounts:read') {
  const form = { grant_type: 'client_credentials', client_id: clientId, scope };
  return server.post('/token', form, certificate === undefined ? {} : { certificate });
}

async function tokenOf(clientId: string, certificate: CertificateName, scope?: string): Promise<string> {
  const { status, body } = await requestToken(clientId, certificate, scope);
  expect(status, body).toBe(200);
  return (JSON.parse(body) as { access_token: string }).access_token;
}

async function introspect(token: string, secret = server.api.clientSecret, clientId = server.api.clientId) {
  const pair = [clientId, secret].map((part) => encodeURIComponent(part)).join(':');
  const headers = { authorization: `Basic ${Buffer.from(pair).toString('base64')}` };
  const { status, body } = await server.post('/token/introspection', { token }, { headers });
  return { status, body: JSON.parse(body) as Record<string, unknown> };
}

function thumbprint(certificate: CertificateName): string {
  const { raw } = new X509Certificate(readFileSync(join(server.pki, `${certificate}.crt`)));
  return createHash('sha256').update(raw).digest('base64url');
}

describe('the metadata of the sample server', () => {
  it.each(['/.well-known/openid-configuration', '/.well-known/oauth-authorization-server'])(
    'the metadata is at %s and names what the server can do',
    async (path) => {
      const metadata = JSON.parse((await server.get(path)).body) as Record<string, unknown>;

      expect(metadata).toMatchObject({
        issuer: server.issuer,
        tls_client_certificate_bound_access_tokens: true,
        dpop_signing_alg_values_supported: expect.arrayContaining(['ES256']),
        token_endpoint_auth_methods_supported: ['tls_client_auth', 'client_secret_basic'],
      });
      for (const endpoint of ['token', 'introspection', 'revocation']) {
        expect(metadata[`${endpoint}_endpoint`]).toContain(server.issuer);
      }
    },
  );
});

describe('a JWT access token of the sample server', () => {
  it.each(['client1', 'client2'] as const)(
    'a JWT is given to %s without naming a resource (RFC 9068)',
    async (name) => {
      const token = await tokenOf(name, name, 'accounts:read payments:read');
      const keys = JSON.parse((await server.get('/jwks')).body) as JSONWebKeySet;
      const { payload } = await jwtVerify(token, createLocalJWKSet(keys), {
        typ: 'at+jwt',
        issuer: server.issuer,
        audience: RESOURCE,
        requiredClaims: ['iat', 'exp', 'jti'],
      });

      expect(payload).toMatchObject({
        sub: name,
        client_id: name,
        scope: 'accounts:read payments:read',
        cnf: { 'x5t#S256': thumbprint(name) },
      });
      expect(decodeProtectedHeader(token)).toMatchObject({ typ: 'at+jwt', alg: 'ES256' });
    },
  );

  it('the JWT of client1-short lives for a second', async () => {
    const { exp = 0, iat = 0 } = decodeJwt(await tokenOf('client1-short', 'client1'));

    expect(exp - iat).toBe(1);
  });

  it('a JWT is for the API alone', async () => {
    const form = {
      grant_type: 'client_credentials',
      client_id: 'client1',
      resource: 'https://other.example',
    };
    const { status, body } = await server.post('/token', form, { certificate: 'client1' });

    expect(status).toBe(400);
    expect(JSON.parse(body)).toMatchObject({ error: 'invalid_target' });
  });
});

describe('a client without the right certificate gets no token', () => {
  it.each<[string, CertificateName | undefined]>([
    ["with client2's certificate", 'client2'],
    ['with a certificate of the same name by another CA', 'untrusted'],
    ['with an expired certificate', 'client1-expired'],
    ['without a certificate', undefined],
  ])('a client %s gets no token', async (_case, certificate) => {
    for (const clientId of ['client1', 'client1-opaque']) {
      const { status, body } = await requestToken(clientId, certificate);

      expect(status).toBe(401);
      expect(JSON.parse(body)).toMatchObject({ error: 'invalid_client' });
    }
  });
});

describe('an opaque access token of the sample server', () => {
  it.each([
    ['client1-opaque', 'client1'],
    ['client2-opaque', 'client2'],
  ] as const)(
    'an opaque token is given to %s, bound to the certificate of %s',
    async (clientId, certificate) => {
      const token = await tokenOf(clientId, certificate);

      expect(token).not.toContain('.');
      expect(await introspect(token)).toMatchObject({
        status: 200,
        body: {
          active: true,
          iss: server.issuer,
          aud: RESOURCE,
          client_id: clientId,
          scope: 'accounts:read',
          cnf: { 'x5t#S256': thumbprint(certificate) },
        },
      });
    },
  );

  it("an opaque token is introspected with the API's credentials only", async () => {
    const token = await tokenOf('client1-opaque', 'client1');

    expect((await introspect(token, 'wrong')).status).toBe(401);
    // A client that authenticates may ask, and learns nothing.
    const form = { token, client_id: 'client1-opaque' };
    const { status, body } = await server.post('/token/introspection', form, { certificate: 'client1' });
    expect(status).toBe(200);
    expect(JSON.parse(body)).toStrictEqual({ active: false });
  });

  it('an opaque token is revoked by its own client only', async () => {
    const token = await tokenOf('client1-opaque', 'client1');
    const revoke = (clientId: string, certificate: CertificateName) =>
      server.post('/token/revocation', { token, client_id: clientId }, { certificate });

    await revoke('client2-opaque', 'client2');
    expect((await introspect(token)).body).toMatchObject({ active: true });

    expect((await revoke('client1-opaque', 'client1')).status).toBe(200);
    expect((await introspect(token)).body).toStrictEqual({ active: false });
  });
});

describe('a client without a certificate', () => {
  let key: TestDpopClient;
  beforeAll(async () => {
    key = await TestDpopClient.create();
  });

  async function requestDpopToken(clientId: string, proof?: string, secret = server.partnerSecret) {
    const pair = [clientId, secret].map((part) => encodeURIComponent(part)).join(':');
    const authorization = `Basic ${Buffer.from(pair).toString('base64')}`;
    const headers = { authorization, ...(proof === undefined ? {} : { dpop: proof }) };
    const form = { grant_type: 'client_credentials', scope: 'accounts:read' };
    const { status, body } = await server.post('/token', form, { headers });
    return { status, body: JSON.parse(body) as Record<string, unknown> };
  }

  const proofFor = (path: string): Promise<string> =>
    key.proof({ method: 'POST', url: `${server.issuer}${path}` });

  it('a client without a certificate gets a JWT that is bound to the key of its proof (RFC 9449 §5)', async () => {
    const { status, body } = await requestDpopToken('partner1', await proofFor('/token'));

    expect({ status, body }).toMatchObject({ status: 200, body: { token_type: 'DPoP' } });
    expect(decodeJwt(String(body['access_token']))).toMatchObject({
      client_id: 'partner1',
      aud: RESOURCE,
      scope: 'accounts:read',
      cnf: { jkt: key.thumbprint },
    });
  });

  it('a client without a certificate gets an opaque token whose introspection names the key (RFC 9449 §6.2)', async () => {
    const { body } = await requestDpopToken('partner1-opaque', await proofFor('/token'));

    expect(await introspect(String(body['access_token']))).toMatchObject({
      status: 200,
      body: { active: true, client_id: 'partner1-opaque', cnf: { jkt: key.thumbprint } },
    });
  });

  it('a client gets no token without a proof, with a used one, with one for another URL, or with a wrong secret', async () => {
    const used = await proofFor('/token');
    expect((await requestDpopToken('partner1', used)).status).toBe(200);
    const refusals = [
      await requestDpopToken('partner1'),
      await requestDpopToken('partner1', used),
      await requestDpopToken('partner1', await proofFor('/elsewhere')),
      await requestDpopToken('partner1', await proofFor('/token'), 'wrong'),
    ];

    expect(refusals.map(({ status, body }) => [status, body['error']])).toStrictEqual([
      [400, 'invalid_grant'],
      [400, 'invalid_grant'],
      [400, 'invalid_dpop_proof'],
      [401, 'invalid_client'],
    ]);
  });
});
