import { STATUS_CODES } from 'node:http';
import type { AuthenticationScheme } from '../decision.js';
import type { AuthenticationNeeded, Refusal } from './oauth-error.js';

/** What a challenge says beside the refusal. */
export interface ChallengeContext {
  readonly realm: string | undefined;
  /** The schemes that can lead into this resource, at least one. */
  readonly schemes: readonly AuthenticationScheme[];
  /** The scheme that the request used, where it used one. */
  readonly used: AuthenticationScheme | undefined;
  /** The algorithms that a proof may be signed with. */
  readonly algorithms: readonly string[];
  /** What tells clients how to get a token; `undefined` where nothing is to be told. */
  readonly resource: ChallengedResource | undefined;
}

/** A resource of which clients can learn more (RFC 9728 §5.1). */
export interface ChallengedResource {
  /** The URL of its metadata. */
  readonly metadataUrl: string;
  /** The scopes that a token for what was asked needs. */
  readonly scopes: readonly string[];
}

/** A refusal as HTTP. */
export interface RenderedRefusal {
  readonly status: number;
  /** `WWW-Authenticate`, where other credentials are the remedy: added to what is there. */
  readonly challenge: string | undefined;
  /** The nonce for the client's next proof. */
  readonly nonce: string | undefined;
  /** Headers of which there is one each. */
  readonly headers: Readonly<Record<string, string>>;
  /** In the shape of Nest's own errors. */
  readonly body: { readonly statusCode: number; readonly error: string; readonly message: string };
}

/** The one place that renders a refusal: status, `WWW-Authenticate` (RFC 6750 §3, RFC 9449 §7.1), body. */
export function renderRefusal(refusal: Refusal, context: ChallengeContext): RenderedRefusal {
  const message = describe(refusal);
  return {
    status: refusal.status,
    challenge: isChallenged(refusal) ? challenges(refusal, context, message) : undefined,
    nonce: refusal.code === 'use_dpop_nonce' ? refusal.nonce : undefined,
    headers: headersOf(refusal),
    body: {
      statusCode: refusal.status,
      error: refusal.code ?? STATUS_CODES[refusal.status] ?? '',
      message,
    },
  };
}

/**
 * One sentence per error code and no more: which check failed would tell an attacker what to try next. The
 * characters are those that RFC 6750 §3 allows in `error_description`.
 */
function describe(refusal: Refusal): string {
  switch (refusal.code) {
    case 'invalid_request':
      return 'The request is malformed, or does not carry exactly one access token in the Authorization header';
    case 'invalid_token':
      return 'The access token is not valid, or not bound to a key that the caller has proved';
    case 'invalid_dpop_proof':
      return 'The request must carry exactly one DPoP proof, fresh and made for it and its access token';
    case 'use_dpop_nonce':
      return 'The DPoP proof must hold the nonce of the DPoP-Nonce header';
    case 'insufficient_scope':
      return 'The access token does not have the scope that this resource needs';
    case 'insufficient_user_authentication':
      return 'The user must authenticate in another way, or again';
    case undefined:
      return describeStatus(refusal.status);
  }
}

function describeStatus(status: 401 | 403 | 429 | 503): string {
  switch (status) {
    case 401:
      return 'An access token is required';
    case 403:
      return 'This access token does not allow what is asked for';
    case 429:
      return 'This client sends too many requests';
    case 503:
      return 'The access token cannot be verified at the moment';
  }
}

function headersOf(refusal: Refusal): Readonly<Record<string, string>> {
  return 'retryAfter' in refusal ? { 'Retry-After': String(refusal.retryAfter) } : {};
}

type Challenged = Exclude<Refusal, Unchallenged>;

/** For what no other credentials are a remedy. */
type Unchallenged = { readonly retryAfter: number } | { readonly status: 403; readonly code: undefined };

function isChallenged(refusal: Refusal): refusal is Challenged {
  return !('retryAfter' in refusal) && !(refusal.status === 403 && refusal.code === undefined);
}

/** One field with a challenge for each scheme, and the error on the scheme that was used (RFC 9449 §7.2). */
function challenges(refusal: Challenged, context: ChallengeContext, description: string): string {
  const needed = needsToken(refusal) ? scopeParameter({ scope: context.resource?.scopes ?? [] }) : [];
  if (refusal.code === undefined)
    return context.schemes.map((scheme) => render(scheme, needed, context)).join(', ');
  const { used = context.schemes[0] ?? 'Bearer' } = context;
  const others = refusal.status === 401 ? otherSchemes(used, context.schemes) : [];
  return [
    render(used, [...errorParameters(refusal, description), ...needed], context),
    ...others.map((scheme) => render(scheme, needed, context)),
  ].join(', ');
}

/** Whether another token is the remedy: then its scopes are named at once, where clients are told how to get one. */
function needsToken({ status, code }: Challenged): boolean {
  return status === 401 && (code === undefined || code === 'invalid_token');
}

/**
 * What a client could try instead. One that has sent a proof is told of its fault alone: there are clients that see a
 * request for a nonce only where it stands by itself.
 */
function otherSchemes(
  used: AuthenticationScheme,
  schemes: readonly AuthenticationScheme[],
): readonly AuthenticationScheme[] {
  if (used === 'DPoP' && schemes.includes(used)) return [];
  return schemes.filter((scheme) => scheme !== used);
}

type Parameter = readonly [name: string, value: string];

function errorParameters(refusal: Challenged, description: string): readonly Parameter[] {
  return [
    ['error', refusal.code ?? ''],
    ['error_description', description],
    ...(refusal.code === 'insufficient_scope' ? scopeParameter(refusal) : []),
    ...(refusal.code === 'insufficient_user_authentication' ? authenticationParameters(refusal) : []),
  ];
}

function authenticationParameters(needed: AuthenticationNeeded): readonly Parameter[] {
  const { acrValues, maxAge } = needed;
  return [
    ...(acrValues.length > 0 ? [['acr_values', acrValues.join(' ')] as const] : []),
    ...(maxAge === undefined ? [] : [['max_age', String(maxAge)] as const]),
    ...scopeParameter(needed),
  ];
}

function scopeParameter({ scope }: { readonly scope: readonly string[] }): readonly Parameter[] {
  return scope.length > 0 ? [['scope', scope.join(' ')]] : [];
}

function render(
  scheme: AuthenticationScheme,
  own: readonly Parameter[],
  { realm, algorithms, resource }: ChallengeContext,
): string {
  const parameters: readonly Parameter[] = [
    ...(realm === undefined ? [] : [['realm', realm] as const]),
    ...own,
    ...(scheme === 'DPoP' ? [['algs', algorithms.join(' ')] as const] : []),
    ...(resource === undefined ? [] : [['resource_metadata', resource.metadataUrl] as const]),
  ];
  const rendered = parameters.map(([name, value]) => `${name}=${quoted(value)}`).join(', ');
  return rendered === '' ? scheme : `${scheme} ${rendered}`;
}

/** A quoted-string (RFC 9110 §5.6.4). */
function quoted(value: string): string {
  return `"${value.replaceAll(/["\\]/g, '\\$&')}"`;
}
