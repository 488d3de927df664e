import { type KeyObject } from 'node:crypto';
import type { JWK } from 'jose';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { AuthorizationServerHttp } from '../../lib/authorization-server/authorization-server-http.js';
import type { JsonObject } from '../../lib/jose/json-object.js';
import {
  type SignedAnswerRules,
  verifySignedAnswer,
} from '../../lib/introspection/signed-introspection-answer.js';
import { fixedSigningKeys, RemoteSigningKeys } from '../../lib/authorization-server/signing-keys.js';
import { compactJws, ecdsa, jsonText, rsaPkcs1, type Signer } from '../hostile/raw-jws.js';
import { newKeyPair } from '../support/key-pair.js';

const NOW = 1_800_000_000;
const ISSUER = 'https://as.example.com';
const RULES: SignedAnswerRules = {
  issuer: ISSUER,
  audience: ['our-client', 'https://api.example.com'],
  algorithms: ['ES256', 'PS256'],
  clockTolerance: 5,
};

const ec = newKeyPair('ec', { namedCurve: 'P-256' });
const rsa = newKeyPair('rsa', { modulusLength: 2048 });
const jwkOf = (key: KeyObject, kid: string): JWK => ({ ...key.export({ format: 'jwk' }), kid });
const KEYS = fixedSigningKeys({ keys: [jwkOf(ec.publicKey, 'ec'), jwkOf(rsa.publicKey, 'rsa')] });

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['Date'], now: NOW * 1000 });
});
afterEach(() => {
  vi.useRealTimers();
});

interface Difference {
  /** Members added or replaced; `undefined` removes one. */
  readonly header?: JsonObject;
  readonly claims?: JsonObject;
  readonly signer?: Signer;
}

function answer({ header, claims, signer = ecdsa(ec.privateKey) }: Difference = {}): string {
  return compactJws(
    jsonText({ alg: 'ES256', typ: 'token-introspection+jwt', kid: 'ec', ...header }),
    jsonText({ iss: ISSUER, aud: 'our-client', iat: NOW, token_introspection: { active: true }, ...claims }),
    signer,
  );
}

const verify = async (jwt: string): Promise<JsonObject> => verifySignedAnswer(jwt, RULES, KEYS);

async function expectRefusal(jwt: string, detail: string): Promise<void> {
  await expect(verify(jwt)).rejects.toMatchObject({
    refusal: { status: 503 },
    reason: 'authorization_server_answer_invalid',
    detail: `signed introspection answer: ${detail}`,
  });
}

describe('a signed introspection answer', () => {
  test('RFC9701-3: a signed answer says what is in its token_introspection', async () => {
    expect(await verify(answer())).toEqual({ active: true });
  });

  test.each<[string, Difference]>([
    ['typ as a whole media type, in any case', { header: { typ: 'Application/Token-Introspection+JWT' } }],
    ['our audience as aud', { claims: { aud: ['other', 'https://api.example.com'] } }],
    ['iat at the edge of the tolerance', { claims: { iat: NOW + 5 } }],
    ['exp at the edge of the tolerance', { claims: { exp: NOW - 4.999 } }],
    ['exp in the future', { claims: { exp: NOW + 60 } }],
  ])('RFC9701-3: a signed answer with %s is accepted', async (_name, difference) => {
    expect(await verify(answer(difference))).toEqual({ active: true });
  });

  const foreign = newKeyPair('ec', { namedCurve: 'P-256' });
  const typ = 'its typ is not token-introspection+jwt';
  const alg = 'its alg is not accepted';
  const critical = 'it has a critical header';
  const aud = 'its aud is neither our client id nor our audience';
  const iat = 'its iat is missing or in the future';
  test.each<[string, Difference, detail: string]>([
    ['another typ', { header: { typ: 'at+jwt' } }, typ],
    ['a typ that is no text', { header: { typ: ['token-introspection+jwt'] } }, typ],
    ['no typ', { header: { typ: undefined } }, typ],
    [
      'an algorithm that is not accepted, though its key is known',
      { header: { alg: 'RS256', kid: 'rsa' }, signer: rsaPkcs1(rsa.privateKey) },
      alg,
    ],
    ['alg none', { header: { alg: 'none' }, signer: () => Buffer.alloc(0) }, alg],
    ['crit', { header: { crit: ['exp'] } }, critical],
    ['b64', { header: { b64: true } }, critical],
    ['a key that is unknown', { header: { kid: 'other' } }, 'key_unknown'],
    ['the signature of another key', { signer: ecdsa(foreign.privateKey) }, 'signature_invalid'],
    ['another iss', { claims: { iss: 'https://other.example.com' } }, 'its iss is not the server'],
    ['no iss', { claims: { iss: undefined } }, 'its iss is not the server'],
    ['another aud', { claims: { aud: ['other'] } }, aud],
    ['no aud', { claims: { aud: undefined } }, aud],
    [
      'an aud of another type',
      { claims: { aud: 7 } },
      'claim_malformed: aud is neither a string nor an array of strings',
    ],
    ['no iat', { claims: { iat: undefined } }, iat],
    ['iat in the future', { claims: { iat: NOW + 6 } }, iat],
    ['iat as text', { claims: { iat: `${NOW}` } }, 'claim_malformed: iat is not a finite number'],
    ['an exp that is past', { claims: { exp: NOW - 5 } }, 'it has expired'],
    ['exp as text', { claims: { exp: `${NOW}` } }, 'claim_malformed: exp is not a finite number'],
    ['no token_introspection', { claims: { token_introspection: undefined } }, noAnswer()],
    ['text as token_introspection', { claims: { token_introspection: 'active' } }, noAnswer()],
    ['a list as token_introspection', { claims: { token_introspection: [] } }, noAnswer()],
  ])(
    'RFC9701-3: a signed answer with %s is an outage, and the log says why',
    async (_name, difference, detail) => {
      await expectRefusal(answer(difference), detail);
    },
  );

  function noAnswer(): string {
    return 'it has no token_introspection';
  }

  test.each<[string, (jwt: string) => string]>([
    ['JSON', () => '{"active":true}'],
    ['two parts', (jwt) => jwt.split('.').slice(0, 2).join('.')],
    ['five parts', (jwt) => `${jwt}.AAAA.AAAA`],
    ['a payload that is no JSON', () => compactJws(jsonText({ alg: 'ES256' }), 'x', ecdsa(ec.privateKey))],
  ])(
    'RFC9701-3: a signed answer of the form “%s” is an outage, and the log says why',
    async (_name, change) => {
      await expectRefusal(change(answer()), 'it is no signed JWT');
    },
  );

  test('keys that cannot be had are an outage of their own, with their own reason', async () => {
    const limits = {
      connectTimeout: 1000,
      timeout: 1000,
      maxResponseSize: 1000,
      maxConnections: 1,
      proxy: undefined,
    };
    const http = new AuthorizationServerHttp(ISSUER, { ...limits, allowLoopbackHttp: false, tls: {} });
    const keys = new RemoteSigningKeys('keys', http, () => 'http://as.example.com/jwks', {
      refreshAfter: 300,
      maxAge: 600,
      staleIfError: 0,
    });
    await expect(verifySignedAnswer(answer(), RULES, keys)).rejects.toMatchObject({
      refusal: { status: 503 },
      detail: 'not an https: URL: "http://as.example.com/jwks"',
    });
    await http.close();
  });

  test('the cause of an outage is kept for whoever looks for it', async () => {
    await expect(verify(answer({ header: { kid: 'other' } }))).rejects.toMatchObject({
      cause: { reason: 'key_unknown' },
    });
    await expect(verify(answer({ claims: { aud: 7 } }))).rejects.toMatchObject({
      cause: { reason: 'claim_malformed' },
    });
  });
});
