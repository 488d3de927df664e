import { describe, expect, test } from 'vitest';
import { unmetDemand } from '../../lib/authorization/authorize.js';
import type { Demands } from '../../lib/authorization/demands.js';
import { schemesFor } from '../../lib/authorization/schemes-for.js';
import type { BindingMethod, ProvenToken } from '../../lib/decision.js';

function proved(scopes: readonly string[], ...boundBy: readonly BindingMethod[]): ProvenToken {
  return { scopes: new Set(scopes), boundBy, signedAnswer: undefined };
}

function demands(given: Partial<Demands>): Demands {
  return { rules: [], constraints: [], ...given };
}

describe('what is demanded beside a valid token', () => {
  test('every token meets the demands of a route that demands nothing', () => {
    expect(unmetDemand(proved([]), demands({}), 'route')).toBeUndefined();
  });

  test('a token that misses one rule is refused with all the scopes that the rules name, each once', () => {
    const rules = [
      { kind: 'all', scopes: ['read', 'write'] },
      { kind: 'any', scopes: ['write', 'admin'] },
    ] as const;
    expect(unmetDemand(proved(['read', 'write']), demands({ rules }), 'route')).toBeUndefined();
    expect(unmetDemand(proved(['read', 'admin']), demands({ rules }), 'route')).toMatchObject({
      reason: 'scope_missing',
      refusal: { status: 403, code: 'insufficient_scope', scope: ['read', 'write', 'admin'] },
    });
  });

  test('compares scopes with their case (RFC 6749 §3.3)', () => {
    const rules = [{ kind: 'all', scopes: ['Read'] }] as const;
    expect(unmetDemand(proved(['read']), demands({ rules }), 'route')).toMatchObject({
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
      const error = unmetDemand(proved([], ...boundBy), demands({ constraints }), 'route');
      expect(error?.detail).toBe(detail);
      expect(error?.reason).toBe(detail === undefined ? undefined : 'binding_insufficient');
    },
  );

  test('asks for the proof of the key before it asks for scopes, so that a thief learns no scope', () => {
    const both = demands({ constraints: ['dpop'], rules: [{ kind: 'all', scopes: ['read'] }] });
    expect(unmetDemand(proved([], 'certificate'), both, 'policy')).toMatchObject({
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
