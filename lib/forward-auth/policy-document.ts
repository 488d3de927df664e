import { scopesOfRules } from '../authorization/demands.js';
import type { EnforcedByApp } from '../protected-resource/metadata.js';
import type { ServedMetadata } from '../protected-resource/metadata-answer.js';
import { servedMetadata } from '../protected-resource/served-metadata.js';
import { isAuthorization } from './authorization-header.js';
import type { TokenPlace } from './forward-auth.options.js';
import type { ResolvedPolicy } from './resolved-forward-auth.js';

/** What a policy tells everyone of its API (RFC 9728); `undefined` where nothing. */
export function policyDocument(policy: ResolvedPolicy): ServedMetadata | undefined {
  return servedMetadata(policy.options, () => enforcedBy(policy));
}

/** A proxy can always pass a certificate on. */
function enforcedBy({ demands, token }: ResolvedPolicy): EnforcedByApp {
  return {
    scopes: scopesOfRules(demands.rules),
    detailTypes: [],
    seesCertificates: true,
    constraints: demands.constraints,
    bearerMethods: token === undefined ? ['header'] : [...new Set(token.flatMap(bearerMethodOf))],
  };
}

/** The ways of RFC 6750 §2; for other places of a token there is no word. */
function bearerMethodOf({ header, unsafeQuery }: TokenPlace): readonly string[] {
  if (header !== undefined && isAuthorization(header)) return ['header'];
  return unsafeQuery === 'access_token' ? ['query'] : [];
}
