import { describe, expect, test } from 'vitest';
import { audienceOf, checkClaims, type ClaimRules, timeOf } from '../../lib/claims/check-claims.js';
import type { JsonObject } from '../../lib/jose/json-object.js';
import { OAuthError } from '../../lib/challenge/oauth-error.js';

const NOW = 1_800_000_000;
const ISSUER = 'https://as.example.com';
const AUDIENCE = 'https://api.example.com';

const RULES: ClaimRules = {
  issuer: ISSUER,
  issuerPresence: 'required',
  audience: [AUDIENCE, 'api'],
  audiencePresence: 'required',
  clockTolerance: 5,
  requiredClaims: ['sub'],
  forbiddenClaims: ['act'],
  stringClaims: ['sub', 'jti'],
};
const CLAIMS = { iss: ISSUER, aud: AUDIENCE, exp: NOW + 300, iat: NOW, sub: 'user-1' };

/** A reason and a detail, or `accepted`. */
type Outcome = 'accepted' | readonly [reason: string, detail: string | undefined];

function outcomeOf(check: () => unknown): Outcome {
  try {
    check();
    return 'accepted';
  } catch (error) {
    if (!(error instanceof OAuthError)) throw error;
    expect(error.refusal).toEqual({ status: 401, code: 'invalid_token' });
    return [error.reason, error.detail];
  }
}

/** Claims added or replaced (`undefined` removes one), rules that differ, and what comes of it. */
type Case = [claims: JsonObject, outcome: Outcome, rules?: Partial<ClaimRules>];

const check = (claims: JsonObject, rules: Partial<ClaimRules> = {}): Outcome => {
  const whole = Object.entries({ ...CLAIMS, ...claims }).filter(([, value]) => value !== undefined);
  return outcomeOf(() => checkClaims(Object.fromEntries(whole), { ...RULES, ...rules }, NOW));
};

const missing = (detail: string): Outcome => ['claim_missing', detail];
const malformed = (detail: string): Outcome => ['claim_malformed', detail];

describe('the claims of a token', () => {
  test.each<Case>([
    [{}, 'accepted'],
    [{ iss: undefined }, missing('iss')],
    [{ iss: undefined }, 'accepted', { issuerPresence: 'if-present' }],
    [{ iss: `${ISSUER}/` }, ['issuer_mismatch', `iss is "${ISSUER}/", expected "${ISSUER}"`]],
    [{ iss: [ISSUER] }, ['issuer_mismatch', `iss is of type object, expected "${ISSUER}"`]],
    [
      { iss: null },
      ['issuer_mismatch', `iss is of type null, expected "${ISSUER}"`],
      { issuerPresence: 'if-present' },
    ],
  ])('RFC9068-2: the iss of %o is compared exactly: %j', (claims, outcome, rules) => {
    expect(check(claims, rules)).toEqual(outcome);
  });

  const notText = malformed('aud is neither a string nor an array of strings');
  const mismatch = (found: string): Outcome => [
    'audience_mismatch',
    `aud is ${found}, expected one of ["${AUDIENCE}","api"]`,
  ];
  test.each<Case>([
    [{ aud: ['other', 'api'] }, 'accepted'],
    [{ aud: undefined }, missing('aud')],
    [{ aud: undefined }, 'accepted', { audiencePresence: 'if-present' }],
    [{ aud: 'other' }, mismatch('["other"]')],
    [{ aud: 'other' }, mismatch('["other"]'), { audiencePresence: 'if-present' }],
    [{ aud: [] }, mismatch('[]')],
    [{ aud: null }, notText],
    [{ aud: 7 }, notText],
    [{ aud: [AUDIENCE, 7] }, notText],
    [{ aud: { 0: AUDIENCE } }, notText],
  ])('RFC9068-2: the aud of %o must contain this API: %j', (claims, outcome, rules) => {
    expect(check(claims, rules)).toEqual(outcome);
  });

  const expired = (exp: number): Outcome => ['token_expired', `exp was ${exp}, now is ${NOW}`];
  const future = (iat: number): Outcome => ['token_issued_in_future', `iat is ${iat}, now is ${NOW}`];
  test.each<Case>([
    [{ exp: NOW - 4.999 }, 'accepted'],
    [{ exp: NOW - 5 }, expired(NOW - 5)],
    [{ exp: NOW - 6 }, expired(NOW - 6)],
    [{ exp: NOW }, expired(NOW), { clockTolerance: 0 }],
    [{ exp: undefined }, missing('exp')],
    [{ exp: 'never' }, malformed('exp is not a finite number')],
    [{ exp: null }, malformed('exp is not a finite number')],
    [{ exp: Infinity }, malformed('exp is not a finite number')],
    [{ nbf: NOW + 5 }, 'accepted'],
    [{ nbf: NOW + 6 }, ['token_not_yet_valid', `nbf is ${NOW + 6}, now is ${NOW}`]],
    [{ nbf: '0' }, malformed('nbf is not a finite number')],
    [{ iat: undefined }, 'accepted'],
    [{ iat: NOW + 5 }, 'accepted'],
    [{ iat: NOW + 6 }, future(NOW + 6)],
    [{ iat: '0' }, malformed('iat is not a finite number')],
  ])('RFC9068-2, invariant 5: the times of %o are checked to the second: %j', (claims, outcome, rules) => {
    expect(check(claims, rules)).toEqual(outcome);
  });

  test.each<Case>([
    [{ iat: NOW - 65 }, 'accepted', { maxTokenAge: 60 }],
    [{ iat: NOW - 66 }, ['token_too_old', 'issued 66 s ago'], { maxTokenAge: 60 }],
    [{ iat: undefined }, missing('iat, which maxTokenAge needs'), { maxTokenAge: 60 }],
  ])('the maxTokenAge for %o counts from iat, to the second: %j', (claims, outcome, rules) => {
    expect(check(claims, rules)).toEqual(outcome);
  });

  const isNoText = malformed('sub is not a non-empty string');
  test.each<Case>([
    [{ sub: undefined }, missing('sub')],
    [{ sub: undefined }, 'accepted', { requiredClaims: [] }],
    [{ sub: '' }, isNoText],
    [{ sub: 7 }, isNoText],
    [{ sub: null }, isNoText],
    [{ jti: ['1'] }, malformed('jti is not a non-empty string')],
    [{ roles: null }, missing('roles'), { requiredClaims: ['roles'] }],
    [{ roles: 0 }, 'accepted', { requiredClaims: ['roles'] }],
    [{ realm: { roles: [] } }, 'accepted', { requiredClaims: ['realm.roles'] }],
    [{ realm: {} }, missing('realm.roles'), { requiredClaims: ['realm.roles'] }],
    [{ act: 'x' }, ['claim_forbidden', 'act']],
    [{ act: null }, ['claim_forbidden', 'act']],
    [{ realm: { act: 1 } }, ['claim_forbidden', 'realm.act'], { forbiddenClaims: ['realm.act'] }],
  ])(
    'RFC9068-3: %o is checked for required claims, forbidden claims and claims that must be text: %j',
    (claims, outcome, rules) => {
      expect(check(claims, rules)).toEqual(outcome);
    },
  );
});

test('aud and the times are read in the same way wherever they are needed', () => {
  expect(audienceOf({})).toEqual([]);
  expect(audienceOf({ aud: 'api' })).toEqual(['api']);
  expect(audienceOf({ aud: ['api', 'other'] })).toEqual(['api', 'other']);
  expect(outcomeOf(() => audienceOf({ aud: ['api', null] }))).toEqual(
    malformed('aud is neither a string nor an array of strings'),
  );
  expect(timeOf({}, 'iat')).toBeUndefined();
  expect(timeOf({ iat: 1.5 }, 'iat')).toBe(1.5);
  expect(outcomeOf(() => timeOf({ iat: NaN }, 'iat'))).toEqual(malformed('iat is not a finite number'));
});
