import { SignJWT } from 'jose/jwt/sign';
import type { SenderConstraint } from '../authorization/demands.js';
import { schemesFor } from '../authorization/schemes-for.js';
import { readPrivateKey } from '../introspection/client-authentication.js';
import type { MetadataSignatureSettings } from '../options/protected-resource.settings.js';
import { acceptsUnbound, type ResolvedOptions } from '../options/resolve-options.js';

/** What is enforced beside the options. */
export interface EnforcedByApp {
  /** Every scope that is demanded somewhere. */
  readonly scopes: readonly string[];
  /** The same of types of `authorization_details`. */
  readonly detailTypes: readonly string[];
  /** Whether a client can prove a certificate at all. */
  readonly seesCertificates: boolean;
  /** How every caller must have proved itself, beside what `binding` demands. @default no matter */
  readonly constraints?: readonly SenderConstraint[];
  /** How bearer tokens may be sent (RFC 6750 §2). @default in the header alone */
  readonly bearerMethods?: readonly string[];
}

type Members = Readonly<Record<string, unknown>>;

/**
 * The metadata of a protected resource, as JSON: what is enforced, and what the options tell beside it.
 * @see RFC 9728 §2
 */
export async function protectedResourceMetadata(
  options: ResolvedOptions,
  enforced: EnforcedByApp,
): Promise<string> {
  const members = membersOf(options, enforced);
  const signWith = options.protectedResource?.signWith;
  if (signWith === undefined) return JSON.stringify(members);
  return JSON.stringify({ ...members, signed_metadata: await signed(members, signWith) });
}

function membersOf(options: ResolvedOptions, enforced: EnforcedByApp): Members {
  const { protectedResource: told, authorizationServers } = options;
  return withoutEmpty({
    resource: told?.resource,
    authorization_servers: authorizationServers
      .map(({ issuer }) => issuer)
      .filter((issuer) => URL.canParse(issuer)),
    scopes_supported: listed(told?.scopesSupported, enforced.scopes),
    bearer_methods_supported: enforced.bearerMethods ?? ['header'],
    resource_name: told?.name,
    resource_documentation: told?.documentation,
    resource_policy_uri: told?.policyUri,
    resource_tos_uri: told?.termsOfServiceUri,
    ...bindingMembersOf(options, enforced),
    authorization_details_types_supported: listed(told?.authorizationDetailsTypes, enforced.detailTypes),
  });
}

/** Only what is true of every call: a token that is bound to one key alone is not enough where another is asked for. */
function bindingMembersOf(
  options: ResolvedOptions,
  { seesCertificates, constraints = [] }: EnforcedByApp,
): Members {
  const { dpop } = options;
  const takesDpop = dpop !== undefined && schemesFor(constraints, ['Bearer', 'DPoP']).includes('DPoP');
  const needsDpop = constraints.includes('dpop');
  return {
    tls_client_certificate_bound_access_tokens:
      (seesCertificates && (!needsDpop || constraints.includes('certificate'))) || undefined,
    dpop_signing_alg_values_supported: takesDpop ? dpop.algorithms : undefined,
    // A certificate would be enough as well, where one can be proved.
    dpop_bound_access_tokens_required:
      (takesDpop && (needsDpop || (!acceptsUnbound(options) && !seesCertificates))) || undefined,
  };
}

function listed(
  told: 'enforced' | readonly string[] | undefined,
  enforced: readonly string[],
): readonly string[] {
  return told === 'enforced' ? enforced.filter((name) => name !== 'offline_access') : (told ?? []);
}

/** A member without values is left out (RFC 9728 §3.2). */
function withoutEmpty(members: Members): Members {
  return Object.fromEntries(
    Object.entries(members).filter(
      ([, value]) => value !== undefined && !(Array.isArray(value) && value.length === 0),
    ),
  );
}

/** A type of its own, so that the document can never pass for an access token (RFC 8725 §3.11). */
const TYPE = 'oauth-protected-resource+jwt';

async function signed(
  members: Members,
  { key, algorithm, issuer, keyId }: MetadataSignatureSettings,
): Promise<string> {
  const kid = keyId ?? (typeof key === 'object' && 'kid' in key ? key.kid : undefined);
  return new SignJWT({ ...members })
    .setProtectedHeader({ alg: algorithm, typ: TYPE, ...(kid === undefined ? {} : { kid }) })
    .setIssuer(issuer)
    .setIssuedAt()
    .sign(readPrivateKey(key));
}
