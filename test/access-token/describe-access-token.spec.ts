import { describe, expect, test } from 'vitest';
import {
  accessTokenFor,
  type AddedByRequest,
  describeAccessToken,
} from '../../lib/access-token/describe-access-token.js';
import type { JsonObject } from '../../lib/jose/json-object.js';
import type { VerifiedAccessToken } from '../../lib/decision.js';
import type { ClaimNameSettings } from '../../lib/claims/claim-context.js';

interface Case extends AddedByRequest {
  readonly claimNames: ClaimNameSettings;
}

const describeClaims = (claims: JsonObject, more: Partial<Case> = {}): VerifiedAccessToken => {
  const { claimNames = { scope: 'scope', clientId: 'client_id', subject: 'sub' }, ...proven } = more;
  const description = describeAccessToken('https://as.example.com', claims, claimNames);
  return accessTokenFor(description, { confirmation: undefined, boundBy: [], raw: undefined, ...proven });
};

describe('the one shape of a verified token', () => {
  test('a verified token holds what its claims say', () => {
    const claims = { aud: 'api', sub: 'u', azp: 'c', scp: ['a'], iat: 1, exp: 2, jti: 't' };
    const token = describeClaims(claims, {
      claimNames: { scope: 'scp', clientId: 'azp', subject: 'sub' },
      confirmation: { certificateThumbprint: 'x' },
      boundBy: ['certificate'],
      raw: 'the token',
    });
    expect(token).toStrictEqual({
      issuer: 'https://as.example.com',
      subject: 'u',
      clientId: 'c',
      audience: ['api'],
      scopes: new Set(['a']),
      scope: 'a',
      issuedAt: 1,
      expiresAt: 2,
      tokenId: 't',
      confirmation: { certificateThumbprint: 'x' },
      boundBy: ['certificate'],
      claims,
      raw: 'the token',
    });
  });

  test('a verified token has no member for a claim that is missing or of another type', () => {
    for (const claims of [{ exp: 2 }, { exp: 2, sub: 7, client_id: null, jti: ['t'] }]) {
      expect(describeClaims(claims)).toStrictEqual({
        issuer: 'https://as.example.com',
        audience: [],
        scopes: new Set(),
        scope: '',
        expiresAt: 2,
        confirmation: {},
        boundBy: [],
        claims,
      });
    }
  });

  test.each<[unknown, readonly string[]]>([
    ['a b', ['a', 'b']],
    [' a  b ', ['a', 'b']],
    ['', []],
    [
      ['a', 'b c', 7, null],
      ['a', 'b c'],
    ],
    [{ a: true }, []],
    [undefined, []],
  ])('RFC6750-1: a scope claim of %j means the scopes %j', (scope, scopes) => {
    expect([...describeClaims({ exp: 2, scope }).scopes]).toEqual(scopes);
  });
});
