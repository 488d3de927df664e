import { afterEach, describe, expect, test, vi } from 'vitest';
import { unmetDemand } from '../../lib/authorization/authorize.js';
import type { Demanding, Demands, TokenCheck } from '../../lib/authorization/demands.js';
import { describeAccessToken } from '../../lib/access-token/describe-access-token.js';
import { isAmountWithin } from '../../lib/authorization/amounts.js';
import type { OAuthError } from '../../lib/challenge/oauth-error.js';
import type { Psd2Role } from '../../lib/cert-bound-auth.options.js';
import { psd2Check } from '../../lib/authorization/make-demands.js';
import type { JsonObject } from '../../lib/jose/json-object.js';
import { schemesFor } from '../../lib/authorization/schemes-for.js';
import type { BindingMethod, ProvenToken } from '../../lib/decision.js';
import { VOUCHED_FOR } from '../../lib/client-certificate/chain/chain-verdict.js';
import { ROLE_COMBINATIONS } from '../support/pki/qualified-statements.js';

function proved(scopes: readonly string[], ...boundBy: readonly BindingMethod[]): ProvenToken {
  return provedWith({}, { scopes, boundBy });
}

interface Proved {
  readonly scopes: readonly string[];
  readonly boundBy: readonly BindingMethod[];
  readonly psd2Roles: readonly Psd2Role[];
  readonly certificate: ProvenToken['certificate'];
}

/** A token of a user, with these claims beside the usual ones. */
function provedWith(
  claims: JsonObject,
  { scopes = [], boundBy = [], psd2Roles = [], certificate = { kind: 'none' } }: Partial<Proved> = {},
): ProvenToken {
  const described = describeAccessToken(
    'https://as.example.com',
    { aud: 'https://api.example.com', sub: 'user-1', client_id: 'client-1', exp: 2e9, ...claims },
    { scope: 'scope', clientId: 'client_id', subject: 'sub' },
  );
  const granted = new Set(scopes);
  return {
    scopes: granted,
    described,
    boundBy,
    confirmation: {},
    raw: undefined,
    signedAnswer: undefined,
    psd2Roles,
    certificate,
    revocable: undefined,
  };
}

const ROUTE: Demanding = { place: 'route', request: { url: '/' }, params: { id: '7' } };

/** What is not met, where nothing is waited for. */
function unmetOf(token: ProvenToken, ...checks: readonly TokenCheck[]): OAuthError | undefined {
  const unmet = unmetDemand(token, demands({ checks }), ROUTE);
  if (unmet instanceof Promise) throw new Error('it is waited for');
  return unmet;
}

function demands(given: Partial<Demands>): Demands {
  return { rules: [], constraints: [], checks: [], ...given };
}

describe('what is demanded beside a valid token', () => {
  test('every token meets the demands of a route that demands nothing', () => {
    expect(unmetDemand(proved([]), demands({}), ROUTE)).toBeUndefined();
  });

  test('a token that misses one rule is refused with all the scopes that the rules name, each once', () => {
    const rules = [
      { kind: 'all', scopes: ['read', 'write'] },
      { kind: 'any', scopes: ['write', 'admin'] },
    ] as const;
    expect(unmetDemand(proved(['read', 'write']), demands({ rules }), ROUTE)).toBeUndefined();
    expect(unmetDemand(proved(['read', 'admin']), demands({ rules }), ROUTE)).toMatchObject({
      reason: 'scope_missing',
      refusal: { status: 403, code: 'insufficient_scope', scope: ['read', 'write', 'admin'] },
    });
  });

  test('compares scopes with their case (RFC 6749 §3.3)', () => {
    const rules = [{ kind: 'all', scopes: ['Read'] }] as const;
    expect(unmetDemand(proved(['read']), demands({ rules }), ROUTE)).toMatchObject({
      reason: 'scope_missing',
      detail: 'the route demands all of ["Read"], the token has ["read"]',
    });
  });

  test.each([
    [['certificate'], ['certificate'], undefined],
    [['certificate'], ['dpop'], 'the route demands certificate, the caller proved dpop'],
    [['dpop'], ['certificate'], 'the route demands dpop, the caller proved certificate'],
    [['any'], ['dpop'], undefined],
    [['any'], [], 'the route demands any, the caller proved nothing'],
    [['certificate', 'dpop'], ['certificate', 'dpop'], undefined],
    [['certificate', 'dpop'], ['certificate'], 'the route demands dpop, the caller proved certificate'],
  ] as const)(
    'the constraints %j, with a caller that proved %j, leave unmet: %s',
    (constraints, boundBy, detail) => {
      const error = unmetDemand(proved([], ...boundBy), demands({ constraints }), ROUTE) as
        OAuthError | undefined;
      expect(error?.detail).toBe(detail);
      expect(error?.reason).toBe(detail === undefined ? undefined : 'binding_insufficient');
    },
  );

  test('asks for the proof of the key before it asks for scopes, so that a thief learns no scope', () => {
    const both = demands({ constraints: ['dpop'], rules: [{ kind: 'all', scopes: ['read'] }] });
    expect(unmetDemand(proved([], 'certificate'), both, { ...ROUTE, place: 'policy' })).toMatchObject({
      reason: 'binding_insufficient',
      detail: 'the policy demands dpop, the caller proved certificate',
    });
  });
});

describe('the schemes that a challenge offers', () => {
  test.each([
    [[], ['Bearer', 'DPoP']],
    [['any'], ['Bearer', 'DPoP']],
    [['certificate'], ['Bearer']],
    [['dpop'], ['DPoP']],
    [['certificate', 'dpop'], ['DPoP']],
  ] as const)('a route with the constraints %j offers the schemes %j', (constraints, schemes) => {
    expect(schemesFor(constraints, ['Bearer', 'DPoP'])).toEqual(schemes);
  });
});

describe('claims that a route demands', () => {
  const claim = (
    path: string | readonly [string, ...string[]],
    ...anyOf: readonly (string | number | boolean)[]
  ) => ({ kind: 'claim', path, anyOf }) as const;

  test.each<[string, JsonObject, ReturnType<typeof claim>, boolean]>([
    ['a list that has one of the values', { roles: ['a', 'b'] }, claim('roles', 'x', 'b'), true],
    ['a list that has none', { roles: ['a', 'b'] }, claim('roles', 'x'), false],
    ['the value itself', { tier: 'gold' }, claim('tier', 'gold'), true],
    ['the value in another case', { tier: 'Gold' }, claim('tier', 'gold'), false],
    ['a value between spaces', { groups: 'a admin b' }, claim('groups', 'admin'), true],
    ['a value with a space in it', { group: 'domain admins' }, claim('group', 'domain admins'), true],
    ['a part of a value', { groups: 'superadmin' }, claim('groups', 'admin'), false],
    ['a path of names', { realm_access: { roles: ['admin'] } }, claim('realm_access.roles', 'admin'), true],
    [
      'a name with dots',
      { 'https://x.example/roles': ['admin'] },
      claim('https://x.example/roles', 'admin'),
      true,
    ],
    ['a list for a name with dots', { 'a.b': { c: 'x' } }, claim(['a.b', 'c'], 'x'), true],
    ['a number', { level: 3 }, claim('level', 3), true],
    ['a number as text', { level: '3' }, claim('level', 3), false],
    ['a boolean', { email_verified: true }, claim('email_verified', true), true],
    ['a claim that is there', { customer: { id: 1 } }, claim('customer'), true],
    ['a claim that is false', { email_verified: false }, claim('email_verified'), false],
    ['a claim that is null', { customer: null }, claim('customer'), false],
    ['an empty list', { customer: [] }, claim('customer'), false],
    ['no claim', {}, claim('customer'), false],
    ['a member of every object', {}, claim('constructor'), false],
    ['an element with spaces', { roles: ['a admin'] }, claim('roles', 'admin'), false],
  ])('what a claim has to be is decided for %s', (_, claims, check, isMet) => {
    expect(unmetOf(provedWith(claims), check)?.reason).toBe(isMet ? undefined : 'claim_unmet');
  });

  test('every role of PSD2 that is demanded must be in the certificate, whatever others are', () => {
    for (const held of ROLE_COMBINATIONS) {
      for (const wanted of ROLE_COMBINATIONS) {
        const isMet = wanted.every((role) => held.includes(role));
        const unmet = unmetOf(provedWith({}, { psd2Roles: held }), psd2Check('@Psd2Roles', wanted));
        expect(unmet?.reason).toBe(isMet ? undefined : 'certificate_role_missing');
      }
    }
    expect(unmetOf(provedWith({}), psd2Check('@Psd2Roles', ['PSP_PI']))).toMatchObject({
      refusal: { status: 403, code: undefined },
      detail: 'the route demands ["PSP_PI"], the certificate has []',
    });
  });

  test('a certificate counts for a demand for its CA only where it was proved', () => {
    const check = { kind: 'issuer', issuers: ['CN=a'], isMet: () => true } as const;
    const certificate = { kind: 'found', certificate: { identity: {}, chain: () => VOUCHED_FOR } } as const;
    expect(unmetOf(provedWith({}, { boundBy: ['certificate'], certificate }), check)).toBeUndefined();
    for (const proof of [
      { boundBy: ['dpop'] as const, certificate },
      { boundBy: ['certificate'] as const, certificate: { kind: 'none' } as const },
    ]) {
      expect(unmetOf(provedWith({}, proof), check)).toMatchObject({
        reason: 'certificate_issuer_unmet',
        detail: 'the route demands a certificate below CN=a, the caller has proved none',
      });
    }
    const elsewhere = { ...check, isMet: () => false };
    expect(unmetOf(provedWith({}, { boundBy: ['certificate'], certificate }), elsewhere)).toMatchObject({
      detail: 'the route demands a certificate below CN=a, the caller has proved another one',
    });
  });

  test('a demand for roles of PSD2 names one at least, and no other', () => {
    for (const roles of [[], ['PSP_XX'], ['PSP_PI', 'psp_ai'], [undefined]])
      expect(() => psd2Check('@Psd2Roles', roles as never)).toThrow(TypeError);
  });

  test('who lacks a claim is told of no scope, for no other token would help', () => {
    const unmet = unmetDemand(
      provedWith({}),
      demands({ rules: [{ kind: 'all', scopes: ['a'] }], checks: [claim('role', 'admin')] }),
      ROUTE,
    );
    expect(unmet).toMatchObject({
      reason: 'claim_unmet',
      refusal: { status: 403, code: undefined },
      detail: 'the route demands role to be one of ["admin"]',
    });
  });
});

describe('RFC9470: how the user must have authenticated', () => {
  const authentication = (acrValues: readonly string[], maxAge?: number) =>
    ({ kind: 'authentication', acrValues, maxAge }) as const;
  const now = 1_800_000_000;
  afterEach(() => void vi.useRealTimers());

  test.each<[string, JsonObject, ReturnType<typeof authentication>, boolean]>([
    ['RFC9470-2: one of the values', { acr: 'b' }, authentication(['a', 'b']), true],
    ['another value', { acr: 'c' }, authentication(['a', 'b']), false],
    ['a list, which acr is not', { acr: ['a'] }, authentication(['a']), false],
    ['no acr', {}, authentication(['a']), false],
    ['lately enough', { auth_time: now - 60 }, authentication([], 60), true],
    ['a second too long ago', { auth_time: now - 61 }, authentication([], 60), false],
    ['a time as text', { auth_time: String(now) }, authentication([], 60), false],
    ['RFC9470-4: no time, though the token is new', { iat: now }, authentication([], 60), false],
    ['a little in the future, as clocks differ', { auth_time: now + 5 }, authentication([], 60), true],
    ['in the future', { auth_time: now + 6 }, authentication([], 60), false],
  ])('RFC9470-8: how the user has authenticated is decided for %s', (_, claims, check, isMet) => {
    vi.useFakeTimers({ toFake: ['Date'], now: now * 1000 });
    expect(unmetOf(provedWith(claims), check)?.reason).toBe(
      isMet ? undefined : 'authentication_insufficient',
    );
  });

  test('RFC9470-5: what is missing of both is told at once', () => {
    const checks = [authentication(['a'], 60)];
    const unmet = unmetDemand(
      provedWith({}),
      demands({ rules: [{ kind: 'all', scopes: ['s'] }], checks }),
      ROUTE,
    );
    expect(unmet).toMatchObject({
      refusal: {
        status: 401,
        code: 'insufficient_user_authentication',
        acrValues: ['a'],
        maxAge: 60,
        scope: ['s'],
      },
    });
  });

  test('class and method hold together: the values that both name, and the shorter age', () => {
    expect(
      unmetOf(provedWith({}), authentication(['a', 'b'], 60), authentication(['b', 'c'], 30))?.refusal,
    ).toMatchObject({ acrValues: ['b'], maxAge: 30 });
    expect(unmetOf(provedWith({}), authentication(['a']), authentication([], 30))?.refusal).toMatchObject({
      acrValues: ['a'],
      maxAge: 30,
    });
    for (const acr of ['a', 'b', 'none'])
      expect(unmetOf(provedWith({ acr }), authentication(['a']), authentication(['b']))?.reason).toBe(
        'authentication_insufficient',
      );
    const token = provedWith({ acr: 'a' });
    expect(unmetOf(token, authentication(['a']), authentication(['b']))?.reason).toBe(
      'authentication_insufficient',
    );
  });

  test.each([{ sub: undefined }, { sub: 'client-1' }])(
    'RFC9470-12: a client without a user, %j, is not sent to authenticate one',
    (claims) => {
      expect(unmetOf(provedWith(claims), authentication(['a']))).toMatchObject({
        reason: 'user_absent',
        refusal: { status: 403, code: undefined },
      });
    },
  );
});

describe('RFC9396: details that a route demands', () => {
  const needs = (requirement: object) => ({ kind: 'details', type: 't', requirement }) as TokenCheck;
  const detail = (fields: object = {}) => ({ type: 't', actions: ['read', 'write'], ...fields });

  test.each<[string, unknown, object, boolean]>([
    ['all that is needed', [detail()], { actions: ['read'] }, true],
    ['an action too little', [detail()], { actions: ['read', 'pay'] }, false],
    ['another type', [detail({ type: 'u' })], { actions: ['read'] }, false],
    ['RFC9396-4: a type in another case', [detail({ type: 'T' })], { actions: ['read'] }, false],
    ['no list of entries', detail(), { actions: ['read'] }, false],
    ['an entry that is no object', ['t', null], { actions: ['read'] }, false],
    ['actions that are no list', [detail({ actions: 'read' })], { actions: ['read'] }, false],
    [
      'RFC9396-3: two entries that would do together',
      [detail({ actions: ['a'] }), detail({ actions: ['b'] })],
      { actions: ['a', 'b'] },
      false,
    ],
    ['RFC9396-1: a second entry', [detail({ actions: ['a'] }), detail()], { actions: ['read'] }, true],
    ['RFC9396-6: a field that nobody knows', [detail({ limit: 5 })], { actions: ['read'] }, false],
    ['a list that the route does not name', [detail({ datatypes: ['x'] })], { actions: ['read'] }, false],
    ['the identifier', [detail({ identifier: '7' })], { actions: ['read'], identifier: '7' }, true],
    ['another identifier', [detail({ identifier: '8' })], { actions: ['read'], identifier: '7' }, false],
    ['no identifier', [detail()], { actions: ['read'], identifier: '7' }, false],
    [
      'RFC9396-7: this API among its locations',
      [detail({ locations: ['x', 'https://api.example.com'] })],
      { actions: ['read'] },
      true,
    ],
    [
      'RFC9396-7: other locations',
      [detail({ locations: ['https://other.example.com'] })],
      { actions: ['read'] },
      false,
    ],
    [
      'RFC9396-4: this API among its locations, spelled in other ways',
      [detail({ locations: ['https://API.example.com', 'https://api.example.com/'] })],
      { actions: ['read'] },
      false,
    ],
    [
      'the locations that the route names',
      [detail({ locations: ['eu'] })],
      { actions: ['read'], locations: ['eu'] },
      true,
    ],
  ])('whether an entry covers a call is decided for %s', (_, details, requirement, isMet) => {
    const token = provedWith({ authorization_details: details });
    expect(unmetOf(token, needs(requirement))?.reason).toBe(
      isMet ? undefined : 'authorization_details_unmet',
    );
  });

  test('a function sees one entry after another, each its own, and what it makes of it stays with it', async () => {
    const details = [detail({ limit: '5' }), detail({ limit: '10' })];
    const token = provedWith({ authorization_details: details });
    const seen: unknown[] = [];
    const matches = async (entry: object, { params }: { params: unknown }): Promise<boolean> => {
      seen.push({ ...entry, params });
      Object.assign(entry, { limit: '1000' });
      return seen.length === 2;
    };
    expect(
      await unmetDemand(
        token,
        demands({ checks: [{ kind: 'details', type: 't', requirement: matches }] }),
        ROUTE,
      ),
    ).toBeUndefined();
    expect(seen).toEqual(details.map((each) => ({ ...each, params: { id: '7' } })));
    expect(token.described.claims['authorization_details']).toEqual([
      detail({ limit: '5' }),
      detail({ limit: '10' }),
    ]);
  });
});

describe("checks of the app's own", () => {
  const own = (check: () => unknown, remedy?: object) => ({ kind: 'own', check, remedy }) as TokenCheck;

  test.each<[string, () => unknown]>([
    ['returns false', () => false],
    ['returns nothing', () => undefined],
    ['returns what is only like true', () => 'true'],
    [
      'throws',
      () => {
        throw new Error('no database');
      },
    ],
    ['promises false', async () => false],
    ['promises nothing', async () => undefined],
    ['rejects', async () => Promise.reject(new Error('no database'))],
  ])('a check that %s refuses, without an error code', async (_, check) => {
    const unmet = await unmetDemand(
      provedWith({}),
      demands({ checks: [own(() => true), own(check)] }),
      ROUTE,
    );
    expect(unmet).toMatchObject({ reason: 'demand_unmet', refusal: { status: 403, code: undefined } });
  });

  test.each([() => true, async () => true])('a check that says true lets pass: %s', async (check) => {
    expect(await unmetDemand(provedWith({}), demands({ checks: [own(check)] }), ROUTE)).toBeUndefined();
  });

  test.each([
    [{ scope: ['big'] }, { status: 403, code: 'insufficient_scope', scope: ['big'] }],
    [{ acrValues: ['sca'] }, { status: 401, code: 'insufficient_user_authentication', acrValues: ['sca'] }],
    [
      { maxAge: 60, scope: ['big'] },
      { code: 'insufficient_user_authentication', maxAge: 60, scope: ['big'] },
    ],
  ])('the remedy %j is told as %j', (remedy, refusal) => {
    expect(
      unmetOf(
        provedWith({}),
        own(() => false, remedy),
      )?.refusal,
    ).toMatchObject(refusal);
  });

  test('what a check does to its token changes nothing for others', () => {
    const token = provedWith({ role: 'user' });
    const check = (given: { claims: Record<string, unknown> }): boolean => {
      given.claims['role'] = 'admin';
      return true;
    };
    const admin = { kind: 'claim', path: 'role', anyOf: ['admin'] } as const;
    expect(unmetOf(token, { kind: 'own', check, remedy: undefined })).toBeUndefined();
    expect(unmetOf(token, admin)?.reason).toBe('claim_unmet');
  });
});

test.each([
  ['123.5', '123.50', true],
  ['123.51', '123.50', false],
  ['0.3', '0.30000000000000000001', true],
  ['9007199254740993', '9007199254740992', false],
  ['1e2', '1000', false],
  ['-1', '1', false],
  ['1,5', '2', false],
  [' 1', '2', false],
  ['', '2', false],
  [1, '2', false],
  ['1', undefined, false],
] as const)('RFC9396-9: that %j is within %j is %s', (asked, granted, isWithin) => {
  expect(isAmountWithin(asked, granted)).toBe(isWithin);
});

test.each<[unknown, string]>([
  [new Error('no database'), 'Error: no database'],
  ['no error at all', 'no error'],
  [null, 'no error'],
  [{ getStatus: () => 404 }, 'no error'],
  [{ getStatus: () => 'none' }, 'no error'],
])('what a function of the app has thrown is the cause of its refusal: %j', async (cause, thrown) => {
  const failing = (): never => {
    throw cause;
  };
  const token = provedWith({ authorization_details: [{ type: 't' }] });
  const own = await unmetDemand(
    token,
    demands({ checks: [{ kind: 'own', check: failing, remedy: undefined }] }),
    ROUTE,
  );
  expect(own).toMatchObject({ reason: 'demand_unmet', cause });
  expect(own?.detail).toContain(`threw ${thrown}`);
  const details = await unmetDemand(
    token,
    demands({ checks: [{ kind: 'details', type: 't', requirement: failing }] }),
    ROUTE,
  );
  expect(details).toMatchObject({ reason: 'authorization_details_unmet', cause });
});
