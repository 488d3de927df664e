import type { AuthorizationServer } from '../access-token/authorization-server.js';
import { type JwtSettings, jwtRulesOf } from '../access-token/jwt-rules.js';
import {
  checkKind,
  type JwtRules,
  readAlgorithm,
  readType,
  type UnverifiedJwt,
} from '../access-token/jwt-verifier.js';
import { OAuthError } from '../challenge/oauth-error.js';
import { checkPresence } from '../claims/check-claims.js';
import { knownIssuer } from '../claims/known-issuers.js';
import type { JsonObject } from '../jose/json-object.js';
import { SERVER_PRESETS } from '../options/authorization-server-presets.js';
import type { PresetSettings } from '../options/server-preset.js';
import type { FittingPresets } from './explanation.js';

/**
 * The presets whose rules accept the header of a JWT, the claims that it has, and that it is an access token. Issuer, audience
 * and times are the same by every preset.
 */
export function fittingPresets(jwt: UnverifiedJwt, server: AuthorizationServer): FittingPresets {
  const { issuer, jwt: own } = server.settings;
  const fitting = Object.entries(SERVER_PRESETS)
    .filter(([, preset]) => fits(jwt, rulesOf(preset, issuer, own)))
    .map(([name]) => EXPORTED[name as keyof typeof SERVER_PRESETS]);
  const likely = knownIssuer(issuer)?.preset ?? presetBySigns(jwt.payload);
  return likely !== undefined && fitting.includes(likely) ? { fitting, likely } : { fitting };
}

/** The names of presets as the library exports them. */
export const EXPORTED: Readonly<Record<keyof typeof SERVER_PRESETS, string>> = {
  keycloak: 'forKeycloak',
  'entra-id': 'forEntraId',
  auth0: 'forAuth0',
  okta: 'forOkta',
  cognito: 'forCognito',
  'ping-federate': 'forPingFederate',
  'ping-one': 'forPingOne',
  forgerock: 'forForgeRock',
  duende: 'forDuende',
  curity: 'forCurity',
  hydra: 'forHydra',
  'spring-authorization-server': 'forSpringAuthorizationServer',
};

/** Claims that only one kind of server writes, or that it writes so. */
const SIGNS: readonly (readonly [preset: string, isSign: (claims: JsonObject) => boolean])[] = [
  ['forForgeRock', (claims) => claims['tokenName'] === 'access_token'],
  ['forCognito', (claims) => claims['token_use'] === 'access'],
  ['forCurity', (claims) => claims['purpose'] === 'access_token'],
  ['forOkta', (claims) => Object.hasOwn(claims, 'cid')],
  ['forEntraId', (claims) => Object.hasOwn(claims, 'uti') && Object.hasOwn(claims, 'tid')],
  ['forKeycloak', (claims) => Object.hasOwn(claims, 'typ') && Object.hasOwn(claims, 'azp')],
  ['forAuth0', (claims) => Object.hasOwn(claims, 'gty')],
  ['forHydra', (claims) => Array.isArray(claims['scp']) && Object.hasOwn(claims, 'ext')],
];

function presetBySigns(claims: JsonObject): string | undefined {
  return SIGNS.find(([, isSign]) => isSign(claims))?.[0];
}

function fits({ header, payload }: UnverifiedJwt, rules: JwtRules): boolean {
  try {
    const type = readType(header, rules);
    readAlgorithm(header, rules);
    checkPresence(payload, rules.claims);
    checkKind(payload, type, rules);
    return true;
  } catch (error) {
    if (error instanceof OAuthError) return false;
    throw error;
  }
}

/** What options are without a preset. */
const USUAL = {
  jwksUri: undefined,
  jwks: undefined,
  secret: undefined,
  requiredClaims: undefined,
  maxTokenAge: undefined,
  typ: 'at+jwt',
  forbiddenClaims: [],
  recognizedBy: ['client_id', 'scope', 'scp'],
} as const;

/** The algorithms stay those that are configured. */
function rulesOf({ jwt, claims }: PresetSettings, issuer: string, own: JwtRules | undefined): JwtRules {
  const settings: JwtSettings = {
    ...USUAL,
    algorithms: undefined,
    ...(jwt === false ? {} : jwt),
  };
  const names = { scope: 'scope', clientId: 'client_id', subject: 'sub', ...claims };
  const rules = jwtRulesOf(settings, { issuer, audience: [], clockTolerance: 0, names });
  return own === undefined ? rules : { ...rules, algorithms: own.algorithms };
}
