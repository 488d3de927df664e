import { type Api, LEGACY_AUDIENCE, PARTNERS_AUDIENCE } from '../support/policies.js';
import { AUDIENCE } from '../support/world.js';

/*
 * What must be decided, written from RFC 6749, 6750, 8705, 9396, 9449 and 9470 and from docs/, and from no code of lib. It is
 * the other half of every row of the tables: where it and the library differ, one of them is wrong.
 */

/** One thing that a decorator asks for. */
export type Want =
  | { readonly kind: 'every scope' | 'one scope'; readonly of: readonly string[] }
  | { readonly kind: 'claim'; readonly path: readonly string[]; readonly oneOf: readonly ClaimValue[] }
  | { readonly kind: 'authentication'; readonly acr?: readonly string[]; readonly maxAge?: number }
  | { readonly kind: 'details'; readonly type: string; readonly actions: readonly string[] }
  | { readonly kind: 'limit'; readonly type: string; readonly atLeast: number }
  | { readonly kind: 'own'; readonly met: boolean | 'for user-1'; readonly remedy?: Remedy }
  | { readonly kind: 'proof'; readonly by: 'certificate' | 'dpop' | 'any' }
  /** The owner's certificates are of CN=Test CA, and in no profile: no role in one counts. */
  | { readonly kind: 'issuer'; readonly of: 'CN=Test CA' | 'CN=Other CA' }
  | { readonly kind: 'role' }
  | { readonly kind: 'anonymous' };

export type ClaimValue = string | number | boolean;

interface Remedy {
  readonly scope?: readonly string[];
  readonly acr?: readonly string[];
}

/** What is demanded on the class of a handler, and on the handler itself. */
export interface Wants {
  readonly onClass: readonly Want[];
  readonly onMethod: readonly Want[];
}

/** What a caller sends, as far as it matters. */
export interface Sent {
  /** How the token is sent; `nothing`: there is none. */
  readonly scheme: 'nothing' | 'Bearer' | 'DPoP';
  /** The proof beside it. */
  readonly proof: 'none' | 'right' | 'by another key';
  /** The certificate of the connection. */
  readonly certificate: 'none' | 'of the owner' | 'of another one';
  /** The keys that the token is bound to. */
  readonly boundTo: readonly ('certificate' | 'dpop')[];
  readonly issuedFor: readonly Api[];
  readonly isExpired: boolean;
  readonly isForged: boolean;
  readonly subject: string;
  readonly clientId: string;
  readonly scope: readonly string[];
  readonly claims: Readonly<Record<string, unknown>>;
}

/** One challenge of `WWW-Authenticate`, without the words for people and what is the same in all of them. */
export interface Challenge {
  readonly scheme: string;
  readonly parameters: Readonly<Record<string, string>>;
}

export type Outcome = 'passes' | Refusal;

export interface Refusal {
  readonly status: number;
  readonly reason: string;
  readonly challenges: readonly Challenge[];
}

/** What is wrong, before it is told by challenges. */
interface Fault {
  readonly status: 401 | 403;
  readonly reason: string;
  /** RFC 6750 §3.1, RFC 9449 §7.1, RFC 9470 §3. */
  readonly error?: string;
  readonly more?: Readonly<Record<string, string>>;
}

const AUDIENCES: Readonly<Record<Api, string>> = {
  own: AUDIENCE,
  partners: PARTNERS_AUDIENCE,
  legacy: LEGACY_AUDIENCE,
};

/** What is decided about one request. @param now seconds since the epoch */
export function expectedOf(wants: Wants, sent: Sent, policy: Api, now: number): Outcome {
  if (sent.scheme === 'nothing') {
    if (isOpen(wants)) return 'passes';
    return refusal({ status: 401, reason: 'credentials_missing' }, wants, sent, policy);
  }
  const fault =
    invalid(sent, policy) ??
    unproved(sent, policy) ??
    unmetProof(proofsOf(wants), sent) ??
    unmetWants([...wants.onClass, ...wants.onMethod], sent, policy, now);
  return fault === undefined ? 'passes' : refusal(fault, wants, sent, policy);
}

/** For whoever shows nothing: said by the handler, or by its class where the handler demands nothing. */
function isOpen({ onClass, onMethod }: Wants): boolean {
  const isAnonymous = ({ kind }: Want): boolean => kind === 'anonymous';
  return onMethod.some(isAnonymous) || (onMethod.length === 0 && onClass.some(isAnonymous));
}

const tokenFault = (reason: string): Fault => ({ status: 401, reason, error: 'invalid_token' });

/** RFC 7519 §4.1, RFC 9068 §4: who issued it, whether nobody changed it, for whom, until when. */
function invalid({ issuedFor, isForged, isExpired }: Sent, policy: Api): Fault | undefined {
  // The module itself and `legacy` have one issuer, `partners` has another.
  const isKnown = issuedFor.some((api) => (api === 'partners') === (policy === 'partners'));
  if (!isKnown) return tokenFault('issuer_unknown');
  if (isForged) return tokenFault('signature_invalid');
  if (!issuedFor.includes(policy)) return tokenFault('audience_mismatch');
  return isExpired ? tokenFault('token_expired') : undefined;
}

/** RFC 8705 §3, RFC 9449 §7.1: the caller must have each key that the token is bound to, and it must be bound to one. */
function unproved({ boundTo, certificate, scheme, proof }: Sent, policy: Api): Fault | undefined {
  // Only `legacy` takes tokens that are bound to nothing.
  if (boundTo.length === 0) return policy === 'legacy' ? undefined : tokenFault('confirmation_missing');
  if (boundTo.includes('dpop') && scheme !== 'DPoP') return tokenFault('scheme_mismatch');
  if (boundTo.includes('certificate') && certificate === 'none') return tokenFault('certificate_missing');
  if (boundTo.includes('certificate') && certificate === 'of another one')
    return tokenFault('certificate_mismatch');
  if (!boundTo.includes('dpop') || proof === 'right') return undefined;
  return proof === 'none'
    ? { status: 401, reason: 'proof_missing', error: 'invalid_dpop_proof' }
    : tokenFault('proof_key_mismatch');
}

type Proof = Extract<Want, { readonly kind: 'proof' }>['by'];

/** The constraints on the handler take the place of those on its class. */
function proofsOf({ onClass, onMethod }: Wants): readonly Proof[] {
  const among = (wants: readonly Want[]): readonly Proof[] =>
    wants.flatMap((want) => (want.kind === 'proof' ? [want.by] : []));
  return among(onMethod).length > 0 ? among(onMethod) : among(onClass);
}

/** By now every key that the token is bound to has been proved. */
function unmetProof(proofs: readonly Proof[], { boundTo }: Sent): Fault | undefined {
  const areMet = proofs.every((proof) => (proof === 'any' ? boundTo.length > 0 : boundTo.includes(proof)));
  return areMet ? undefined : tokenFault('binding_insufficient');
}

/** What no other token of this client can mend comes first, and what the app is asked for comes last. */
function unmetWants(wants: readonly Want[], sent: Sent, policy: Api, now: number): Fault | undefined {
  return (
    unmetCertificate(wants, sent) ??
    unmetClaim(wants, sent) ??
    unmetAuthentication(wants, sent, now) ??
    unmetScope(wants, sent) ??
    unmetDetails(wants, sent, policy) ??
    unmetOwn(wants, sent)
  );
}

/** What the holder of the certificate is, which counts only where the token is bound to it. */
function unmetCertificate(wants: readonly Want[], { boundTo }: Sent): Fault | undefined {
  if (wants.some(({ kind }) => kind === 'role')) return { status: 403, reason: 'certificate_role_missing' };
  const isUnmet = wants.some(
    (want) => want.kind === 'issuer' && !(boundTo.includes('certificate') && want.of === 'CN=Test CA'),
  );
  return isUnmet ? { status: 403, reason: 'certificate_issuer_unmet' } : undefined;
}

function unmetClaim(wants: readonly Want[], { claims }: Sent): Fault | undefined {
  const isUnmet = wants.some((want) => want.kind === 'claim' && !says(claims, want.path, want.oneOf));
  return isUnmet ? { status: 403, reason: 'claim_unmet' } : undefined;
}

/** A value itself, one of a list, or a word of a text. Without values: there must be something. */
function says(claims: unknown, path: readonly string[], oneOf: readonly ClaimValue[]): boolean {
  const found = path.reduce<unknown>(
    (inner, name) =>
      typeof inner === 'object' && inner !== null ? (inner as Record<string, unknown>)[name] : undefined,
    claims,
  );
  if (oneOf.length === 0) return ![undefined, null, false, ''].includes(found as null);
  const words = typeof found === 'string' ? found.split(' ') : [];
  const values: readonly unknown[] = Array.isArray(found) ? found : [found, ...words];
  return oneOf.some((value) => values.includes(value));
}

/** RFC 9470 §3 to §5: what the user has done, when, and what would be enough. */
function unmetAuthentication(wants: readonly Want[], sent: Sent, now: number): Fault | undefined {
  const all = wants.filter((want) => want.kind === 'authentication');
  const { acr, auth_time: at } = sent.claims;
  const isStrong = all.every((want) => want.acr === undefined || want.acr.some((value) => value === acr));
  const isFresh = all.every(
    ({ maxAge }) => maxAge === undefined || (typeof at === 'number' && at <= now + 5 && now - at <= maxAge),
  );
  if (isStrong && isFresh) return undefined;
  // RFC 9068 §2.2: then the subject is the client, and no user could do anything about it.
  if (sent.subject === sent.clientId) return { status: 403, reason: 'user_absent' };
  const acrs = all.flatMap((want) => want.acr ?? []);
  const ages = all.flatMap(({ maxAge }) => maxAge ?? []);
  return stepUp({
    ...(acrs.length === 0 ? {} : { acr_values: acrs.join(' ') }),
    ...(ages.length === 0 ? {} : { max_age: String(Math.min(...ages)) }),
    ...scopeOf(lacksScope(wants, sent) ? scopesNamed(wants) : []),
  });
}

function stepUp(more: Readonly<Record<string, string>>): Fault {
  const error = 'insufficient_user_authentication';
  return { status: 401, reason: 'authentication_insufficient', error, more };
}

/** RFC 6750 §3.1: with the scopes that are needed; compared with case (RFC 6749 §3.3). */
function unmetScope(wants: readonly Want[], sent: Sent): Fault | undefined {
  return lacksScope(wants, sent) ? poor('scope_missing', scopesNamed(wants)) : undefined;
}

function lacksScope(wants: readonly Want[], { scope }: Sent): boolean {
  return wants.some(
    (want) =>
      (want.kind === 'every scope' && !want.of.every((name) => scope.includes(name))) ||
      (want.kind === 'one scope' && !want.of.some((name) => scope.includes(name))),
  );
}

function scopesNamed(wants: readonly Want[]): readonly string[] {
  return wants.flatMap((want) => (want.kind === 'every scope' || want.kind === 'one scope' ? want.of : []));
}

function poor(reason: string, scope: readonly string[]): Fault {
  return { status: 403, reason, error: 'insufficient_scope', more: scopeOf(scope) };
}

function scopeOf(scope: readonly string[]): Readonly<Record<string, string>> {
  return scope.length === 0 ? {} : { scope: [...new Set(scope)].toSorted().join(' ') };
}

/** RFC 9396 §2: each entry is a grant by itself. */
function unmetDetails(wants: readonly Want[], { claims }: Sent, policy: Api): Fault | undefined {
  const entries = (claims['authorization_details'] ?? []) as readonly Entry[];
  const areMet = wants.every((want) => {
    if (want.kind === 'limit')
      return entries.some(({ type, limit }) => type === want.type && Number(limit) >= want.atLeast);
    return want.kind !== 'details' || entries.some((entry) => isGrant(entry, want, AUDIENCES[policy]));
  });
  return areMet ? undefined : poor('authorization_details_unmet', scopesNamed(wants));
}

interface Entry {
  readonly type: string;
  readonly actions?: readonly string[];
  readonly locations?: readonly string[];
  readonly limit?: unknown;
}

/** RFC 9396 §2.2; a field that the API does not know may restrict the grant, so that it counts for nothing. */
function isGrant(
  { type, actions = [], locations, ...unknown }: Entry,
  wanted: { readonly type: string; readonly actions: readonly string[] },
  audience: string,
): boolean {
  return (
    type === wanted.type &&
    wanted.actions.every((action) => actions.includes(action)) &&
    (locations === undefined || locations.includes(audience)) &&
    Object.keys(unknown).length === 0
  );
}

function unmetOwn(wants: readonly Want[], { subject }: Sent): Fault | undefined {
  for (const want of wants) {
    if (want.kind !== 'own' || want.met === true) continue;
    if (want.met === 'for user-1' && subject === 'user-1') continue;
    if (want.remedy?.acr !== undefined) return stepUp({ acr_values: want.remedy.acr.join(' ') });
    if (want.remedy?.scope !== undefined) return poor('scope_missing', want.remedy.scope);
    return { status: 403, reason: 'demand_unmet' };
  }
  return undefined;
}

/** RFC 6750 §3, RFC 9449 §7.1: the error is told by the scheme that was used, and what else could help stands beside it. */
function refusal(fault: Fault, wants: Wants, sent: Sent, policy: Api): Refusal {
  const { status, reason, error, more } = fault;
  const realm: Readonly<Record<string, string>> = policy === 'partners' ? { realm: 'partners' } : {};
  const offered = schemesOf(proofsOf(wants)).map((scheme) => ({ scheme, parameters: realm }));
  if (error === undefined) return { status, reason, challenges: status === 403 ? [] : offered };
  const told = { scheme: sent.scheme, parameters: { ...realm, error, ...more } };
  const others = offered.filter(({ scheme }) => scheme !== sent.scheme);
  // Who has sent a proof where proofs are good is told of its own fault alone.
  const isAlone = status === 403 || (sent.scheme === 'DPoP' && others.length < offered.length);
  return { status, reason, challenges: isAlone ? [told] : [told, ...others] };
}

/** The schemes that can lead in. */
function schemesOf(proofs: readonly Proof[]): readonly string[] {
  if (proofs.includes('dpop')) return ['DPoP'];
  return proofs.includes('certificate') ? ['Bearer'] : ['Bearer', 'DPoP'];
}
