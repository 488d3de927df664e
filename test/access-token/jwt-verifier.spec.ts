import { describe, expect, test } from 'vitest';
import type { JsonObject } from '../../lib/jose/json-object.js';
import { type JwtRules, verifyJwt } from '../../lib/access-token/jwt-verifier.js';
import { normalizeType } from '../../lib/jose/media-type.js';
import { fixedSigningKeys } from '../../lib/authorization-server/signing-keys.js';
import { compactJws, ecdsa, jsonText } from '../hostile/raw-jws.js';
import { newKeyPair } from '../support/key-pair.js';

const ISSUER = 'https://as.example.com';
const AUDIENCE = 'https://api.example.com';
const { publicKey, privateKey } = newKeyPair('ec', { namedCurve: 'P-256' });
const KEYS = fixedSigningKeys({ keys: [publicKey.export({ format: 'jwk' })] });
const LAX: JwtRules['types'] = ['at+jwt', 'jwt', undefined];

const rulesFor = (types: JwtRules['types']): JwtRules => ({
  recognizedBy: ['scope', ['a.b', 'c']],
  algorithms: ['PS256', 'ES256'],
  types,
  claims: {
    issuer: ISSUER,
    issuerPresence: 'required',
    audience: [AUDIENCE],
    audiencePresence: 'required',
    clockTolerance: 0,
    requiredClaims: [],
    forbiddenClaims: [],
    stringClaims: [],
  },
});

/** Verifies a rightly signed token with these members added or replaced; `undefined` removes one. */
async function verify(header: JsonObject, claims: JsonObject, types: JwtRules['types']): Promise<JsonObject> {
  const exp = Date.now() / 1000 + 60;
  const [head, payload] = [
    jsonText({ alg: 'ES256', typ: 'at+jwt', ...header }),
    jsonText({ iss: ISSUER, aud: AUDIENCE, exp, ...claims }),
  ];
  const jwt = { header: JSON.parse(head) as JsonObject, payload: JSON.parse(payload) as JsonObject };
  await verifyJwt(compactJws(head, payload, ecdsa(privateKey)), jwt, rulesFor(types), KEYS);
  return jwt.payload;
}

type Refusal = readonly [reason: string, detail: string];

async function expectRefusal(verified: Promise<JsonObject>, [reason, detail]: Refusal): Promise<void> {
  await expect(verified).rejects.toMatchObject({
    refusal: { status: 401, code: 'invalid_token' },
    reason,
    detail,
  });
}

describe('the header of a JWT access token', () => {
  test.each<[JsonObject, Refusal]>([
    [{ typ: 'JWT' }, ['token_type_mismatch', 'typ is "jwt", expected "at+jwt"']],
    [{ typ: undefined }, ['token_type_mismatch', 'typ is undefined, expected "at+jwt"']],
    [
      { typ: 'x-application/at+jwt' },
      ['token_type_mismatch', 'typ is "x-application/at+jwt", expected "at+jwt"'],
    ],
    [{ typ: 7 }, ['token_malformed', 'typ is not a string']],
    [{ typ: null }, ['token_malformed', 'typ is not a string']],
    [{ alg: 'ES384' }, ['algorithm_not_allowed', 'alg is "ES384"']],
    [{ alg: undefined }, ['algorithm_not_allowed', 'alg is undefined']],
    [{ alg: ['ES256'] }, ['algorithm_not_allowed', 'alg is of type object']],
    [{ crit: ['exp'] }, ['critical_header_unsupported', 'crit in the header']],
    [{ b64: true }, ['critical_header_unsupported', 'b64 in the header']],
  ])('RFC9068-1, RFC8725: a header with %j is refused: %j', async (header, refusal) => {
    await expectRefusal(verify(header, {}, ['at+jwt']), refusal);
  });

  test.each(['at+jwt', 'AT+JWT', 'application/at+jwt', 'Application/AT+jwt'])(
    'RFC9068-1: a JWT with typ %s is an access token',
    async (typ) => {
      expect(await verify({ typ }, { sub: 'user-1' }, ['at+jwt'])).toMatchObject({ sub: 'user-1' });
    },
  );

  test('a media type is compared without its application/ prefix, which counts only once and only at the start', () => {
    expect(normalizeType('Application/JWT')).toBe('jwt');
    expect(normalizeType('x-application/jwt')).toBe('x-application/jwt');
  });
});

const UNKNOWN = 'nothing shows that it is an access token (jwt.recognizedBy: its own word, scope, a.b.c)';

describe('an ID token in place of an access token', () => {
  test.each<[JsonObject, string]>([
    [{ nonce: 'n' }, 'it has nonce, and does not say that it is an access token'],
    [{ nonce: 'n', typ: 'JWT' }, 'it has nonce, and does not say that it is an access token'],
    [{ at_hash: 'h' }, 'it has at_hash'],
    [{ c_hash: 'h' }, 'it has c_hash'],
    [{ scope: 'a', s_hash: 'h' }, 'it has s_hash'],
    [{ scope: 'a', nonce: 'n' }, 'it has nonce, and does not say that it is an access token'],
    [{ purpose: 'id' }, 'its purpose claim is id'],
    [{ azp: 'c' }, UNKNOWN],
    [{ sid: 's', auth_time: 1, sub: 'user-1' }, UNKNOWN],
    [{ acr: '1', scope: null }, UNKNOWN],
    [{ amr: [], 'a.b.c': 1, a: { b: { c: 1 } } }, UNKNOWN],
    [{ typ: 'ID' }, 'its typ claim is ID'],
    [{ token_use: 'id' }, 'its token_use claim is id'],
    [{ tokenName: 'id_token' }, 'its tokenName claim is id_token'],
    [{ nonce: 'n', typ: 'ID' }, 'its typ claim is ID'],
    [{ nonce: 'n', typ: 'Bearer', token_use: 'id' }, 'its token_use claim is id'],
    [{ typ: 'Bearer', at_hash: 'h' }, 'it has at_hash'],
    [{ tokenName: 'access_token', c_hash: 'h' }, 'it has c_hash'],
    [{ nonce: 'n', typ: ['Bearer'] }, 'it has nonce, and does not say that it is an access token'],
  ])(
    'RFC9068-3: a JWT with %j is refused where types other than at+jwt are admitted: %s',
    async (claims, detail) => {
      for (const typ of ['JWT', undefined]) {
        await expectRefusal(verify({ typ }, claims, LAX), ['token_is_id_token', detail]);
        expect(await verify({ typ }, { scope: 'a' }, LAX)).toMatchObject({ iss: ISSUER });
      }
      expect(await verify({}, claims, LAX)).toMatchObject(claims);
    },
  );

  test.each([
    { typ: 'Bearer' },
    { typ: 'DPoP' },
    { token_use: 'access' },
    { tokenName: 'access_token' },
    { purpose: 'access_token' },
    { token_type: 'Bearer' },
  ])('RFC9068-3: a JWT with %j is an access token, and with a nonce it still is', async (claims) => {
    for (const typ of ['JWT', undefined]) {
      expect(await verify({ typ }, claims, LAX)).toMatchObject(claims);
      expect(await verify({ typ }, { ...claims, nonce: 'n' }, LAX)).toMatchObject(claims);
    }
  });

  test('RFC8725: a JWT that neither its header nor any claim tells from an ID token is refused', async () => {
    for (const typ of ['JWT', undefined]) {
      const refusal = ['token_type_mismatch', UNKNOWN] as const;
      await expectRefusal(verify({ typ }, { sub: 'user-1', iat: 1 }, LAX), refusal);
      expect(await verify({ typ }, { 'a.b': { c: false } }, LAX)).toMatchObject({ iss: ISSUER });
    }
    expect(await verify({ typ: 'own+jwt' }, {}, ['own+jwt'])).toMatchObject({ iss: ISSUER });
  });

  test.each(['Refresh', 'Offline'])(
    'RFC8725: a token that says that it is a %s one is refused',
    async (typ) => {
      await expectRefusal(verify({ typ: 'JWT' }, { typ }, LAX), [
        'token_type_mismatch',
        `its typ claim is ${typ}`,
      ]);
    },
  );
});
