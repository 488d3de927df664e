import { createSecretKey } from 'node:crypto';
import { type JWTVerifyGetKey, type JWTVerifyResult, jwtVerify } from 'jose';
import type { ClientAuthentication } from 'nestjs-cert-bound-auth';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import {
  clientAuthenticator,
  type ClientProof,
  isTlsMethod,
  readPrivateKey,
} from '../../lib/introspection/client-authentication.js';
import { newKeyPair } from '../support/key-pair.js';

const NOW = 1_800_000_000;
const ISSUER = 'https://as.example.com';
const SECRET = 'ein Geheimnis von 64 Byte, für alle HMAC-Verfahren lang genug ...';
const { publicKey, privateKey } = newKeyPair('ec', { namedCurve: 'P-256' });

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['Date'], now: NOW * 1000 + 999 });
});
afterEach(() => {
  vi.useRealTimers();
});

const prove = async (authentication: ClientAuthentication): Promise<ClientProof> =>
  clientAuthenticator(authentication, ISSUER)();

describe('how a client authenticates', () => {
  test('RFC 6749 §2.3.1: a client form-encodes id and secret before they become Basic', async () => {
    const { headers, parameters } = await prove({
      method: 'client_secret_basic',
      clientId: 'a:b c',
      clientSecret: 'ä&%',
    });
    expect(parameters).toEqual({});
    const credentials = /^Basic (.+)$/.exec(headers['authorization'] ?? '')?.[1] ?? '';
    expect(Buffer.from(credentials, 'base64').toString()).toBe('a%3Ab+c:%C3%A4%26%25');
  });

  test.each<[ClientAuthentication, Readonly<Record<string, string>>]>([
    [
      { method: 'client_secret_post', clientId: 'api', clientSecret: 's' },
      { client_id: 'api', client_secret: 's' },
    ],
    [{ method: 'tls_client_auth', clientId: 'api' }, { client_id: 'api' }],
    [{ method: 'self_signed_tls_client_auth', clientId: 'api' }, { client_id: 'api' }],
    [{ method: 'none', clientId: 'api' }, { client_id: 'api' }],
  ])(
    'RFC7662-1: the client authentication %j puts this into the form: %j',
    async (authentication, parameters) => {
      expect(await prove(authentication)).toStrictEqual({ headers: {}, parameters });
    },
  );

  test('RFC8705-5: two methods prove the client by the certificate of the connection', () => {
    const byTls = (['tls_client_auth', 'self_signed_tls_client_auth', 'none'] as const).map((method) =>
      isTlsMethod({ method, clientId: 'api' }),
    );
    expect(byTls).toEqual([true, true, false]);
  });
});

describe('the assertion of a client', () => {
  const verify = async (
    { headers, parameters }: ClientProof,
    key: ReturnType<JWTVerifyGetKey>,
  ): Promise<JWTVerifyResult> => {
    const { client_assertion, ...others } = parameters;
    expect(headers).toEqual({});
    expect(others).toEqual({
      client_id: 'api',
      client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
    });
    return jwtVerify(client_assertion ?? '', await key);
  };
  const expected = {
    iss: 'api',
    sub: 'api',
    aud: ISSUER,
    jti: expect.stringMatching(/^[\da-f-]{36}$/),
    iat: NOW,
    exp: NOW + 60,
  };

  test.each(['HS256', 'HS384', 'HS512'] as const)(
    'OpenID Connect Core §9: an assertion is signed with the secret and the algorithm %s',
    async (algorithm) => {
      const proof = await prove({
        method: 'client_secret_jwt',
        clientId: 'api',
        clientSecret: SECRET,
        algorithm,
      });
      const { protectedHeader, payload } = await verify(proof, createSecretKey(Buffer.from(SECRET)));
      expect(protectedHeader).toStrictEqual({ alg: algorithm, typ: 'JWT' });
      expect(payload).toStrictEqual(expected);
    },
  );

  const jwk = privateKey.export({ format: 'jwk' });
  const pem = privateKey.export({ format: 'pem', type: 'pkcs8' }).toString();
  test.each([
    ['a KeyObject', { key: privateKey }, undefined],
    ['PEM', { key: pem }, undefined],
    ['PEM, and a kid', { key: pem, keyId: 'k1' }, 'k1'],
    ['a JWK', { key: jwk }, undefined],
    ['a JWK with its kid', { key: { ...jwk, kid: 'k2' } }, 'k2'],
    ['a JWK, and another kid', { key: { ...jwk, kid: 'k2' }, keyId: 'k3' }, 'k3'],
  ])('RFC 7523 §3: an assertion is signed with a private key given as %s', async (_name, key, kid) => {
    const authenticate = clientAuthenticator(
      { method: 'private_key_jwt', clientId: 'api', algorithm: 'ES256', ...key },
      ISSUER,
    );
    const first = await verify(await authenticate(), publicKey);
    const named = kid === undefined ? {} : { kid };
    expect(first.protectedHeader).toStrictEqual({ alg: 'ES256', ...named, typ: 'JWT' });
    expect(first.payload).toStrictEqual(expected);
    const second = await verify(await authenticate(), publicKey);
    expect(second.payload.jti).not.toBe(first.payload.jti);
  });

  test('a key that is not private is refused at boot, by name', () => {
    expect(readPrivateKey(privateKey)).toBe(privateKey);
    expect(() => readPrivateKey(publicKey)).toThrow(new TypeError('not a private key'));
    expect(() => readPrivateKey(createSecretKey(Buffer.alloc(32)))).toThrow('not a private key');
  });
});
