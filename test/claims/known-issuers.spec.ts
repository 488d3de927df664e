import { describe, expect, test } from 'vitest';
import { checkClaims } from '../../lib/claims/check-claims.js';
import { knownIssuer } from '../../lib/claims/known-issuers.js';
import { SERVER_PRESETS } from '../../lib/options/authorization-server-presets.js';

const presets = Object.keys(SERVER_PRESETS).map((name) => `for${name.replaceAll('-', '')}`);

describe('what the log says of a server by its issuer', () => {
  test.each([
    ['https://keycloak.example.com/realms/bank', 'forKeycloak'],
    ['https://login.microsoftonline.com/0b5d/v2.0', 'forEntraId'],
    ['https://sts.windows.net/0b5d/', 'forEntraId'],
    ['https://bank.eu.auth0.com/', 'forAuth0'],
    ['https://bank.okta.com/oauth2/default', 'forOkta'],
    ['https://cognito-idp.eu-central-1.amazonaws.com/eu-central-1_Ab', 'forCognito'],
    ['https://auth.pingone.eu/1234/as', 'forPingOne'],
    ['https://bank.forgeblocks.com:443/am/oauth2/alpha', 'forForgeRock'],
  ])('the tokens of %s are what %s() is made for, which this package exports', (issuer, preset) => {
    expect(knownIssuer(issuer)?.preset).toBe(preset);
    expect(presets).toContain(preset.toLowerCase());
  });

  test.each([
    'https://as.example.com',
    'https://auth0.com.evil.example/',
    'https://okta.com.example.org/x',
    'bank',
  ])('nothing is said of %s, which is nobody’s in particular', (issuer) => {
    expect(knownIssuer(issuer)).toBeUndefined();
  });

  test('a token of Cognito without aud is refused with the reason that it usually has', () => {
    const issuer = 'https://cognito-idp.eu-central-1.amazonaws.com/eu-central-1_Ab';
    const rules = {
      issuer,
      issuerPresence: 'required',
      audience: ['https://api.example.com'],
      audiencePresence: 'required',
      clockTolerance: 5,
      requiredClaims: [],
      forbiddenClaims: [],
      stringClaims: [],
    } as const;
    expect(() => checkClaims({ iss: issuer }, rules, 0)).toThrow(
      'claim_missing: aud: access tokens of Cognito have one only where the client asks for this API as its resource',
    );
  });
});
