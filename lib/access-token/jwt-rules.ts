import type { ClaimPath, JwtOptions } from '../cert-bound-auth.options.js';
import { type ClaimContext, type ClaimNameSettings, stringClaims } from '../claims/claim-context.js';
import type { SettingsOf } from '../common/settings-of.js';
import { JWS_ALGORITHMS } from '../jose/jws-algorithms.js';
import type { SignatureAlgorithm } from '../jose/jws-signature.js';
import { bytesOf, hmacAlgorithmsFor } from '../jose/shared-secret.js';
import { normalizeType } from '../jose/media-type.js';
import { type JwtRules, RFC9068_REQUIRED_CLAIMS } from './jwt-verifier.js';

/** How JWT access tokens are verified, as configured. */
export type JwtSettings = SettingsOf<
  JwtOptions,
  'jwksUri' | 'jwks' | 'secret' | 'algorithms' | 'requiredClaims' | 'maxTokenAge'
>;

/** What the JWT access tokens of one server must be. */
export function jwtRulesOf(jwt: JwtSettings, context: ClaimContext): JwtRules {
  const { issuer, audience, clockTolerance, names } = context;
  return {
    algorithms: algorithmsOf(jwt),
    types: typesOf(jwt.typ),
    claims: {
      issuer,
      issuerPresence: 'required',
      audience,
      audiencePresence: 'required',
      clockTolerance,
      requiredClaims: jwt.requiredClaims ?? RFC9068_REQUIRED_CLAIMS.map((name) => localName(name, names)),
      forbiddenClaims: jwt.forbiddenClaims,
      ...(jwt.maxTokenAge === undefined ? {} : { maxTokenAge: jwt.maxTokenAge }),
      stringClaims: stringClaims(names),
    },
    recognizedBy: jwt.recognizedBy === 'own-word' ? [] : jwt.recognizedBy,
  };
}

/** HMAC with a secret, and nothing else; without one what is asymmetric, and never HMAC. */
export function algorithmsOf({
  secret,
  algorithms,
}: Pick<JwtSettings, 'secret' | 'algorithms'>): readonly SignatureAlgorithm[] {
  return secret === undefined ? (algorithms ?? JWS_ALGORITHMS) : hmacAlgorithmsFor(bytesOf(secret));
}

/** A server that puts the client or the subject elsewhere is asked for it there. */
function localName(claim: string, names: ClaimNameSettings): ClaimPath {
  if (claim === 'client_id') return names.clientId;
  return claim === 'sub' ? names.subject : claim;
}

function typesOf(typ: JwtSettings['typ']): readonly (string | undefined)[] {
  if (typ === false) return ['at+jwt', 'jwt', undefined];
  return [typ].flat().map((type) => normalizeType(type));
}
