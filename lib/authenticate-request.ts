import { hash } from 'node:crypto';
import { accessTokenFor, type TokenDescription } from './access-token/describe-access-token.js';
import type { JsonObject } from './jose/json-object.js';
import type { KnownToken, KnownTokens } from './access-token/known-tokens.js';
import { readTokenShape } from './jose/token-shape.js';
import { type TrustedServers, verifyAccessToken } from './access-token/verify-access-token.js';
import type { VerifiedAccessToken } from './access-token/verified-access-token.js';
import { invalidToken, OAuthError } from './challenge/oauth-error.js';
import {
  checkConfirmation,
  type ProofOfPossession,
  type ProvenPossession,
} from './confirmation/check-confirmation.js';
import { checkDpopProof, type DpopRules, type ProofOutcome } from './dpop/check-dpop-proof.js';
import { readConfirmation } from './confirmation/confirmation-claim.js';
import type { SeenCertificates } from './client-certificate/seen-certificates.js';
import { andThen, isPromise, type MaybePromise } from './common/maybe-promise.js';
import {
  type AuthenticationScheme,
  type Authorization,
  checkTokenForm,
  readAuthorization,
  readToken,
} from './request/credentials.js';
import type {
  ClientCertificateFinding,
  ClientCertificateSource,
} from './client-certificate/client-certificate.js';
import type { HttpRequest } from './request/http-request.js';
import { chainTrust } from './client-certificate/certificate-settings.js';
import type { ResolvedOptions } from './options/resolve-options.js';

/** Whether a request may go on to authorization. */
export type Decision = Acceptance | RefusalDecision;

export interface Acceptance {
  readonly outcome: 'accepted';
  /** What the app gets: its own, to change as it likes. */
  readonly token: VerifiedAccessToken;
  /** The token, or what the app's `validate` made of it. */
  readonly user: unknown;
  /** What the route's rules are checked by, whatever has become of `token`. */
  readonly proved: ProvenToken;
  /** The nonce for the client's next DPoP proof, where it needs another one. */
  readonly nextNonce: string | undefined;
  readonly trace: RequestTrace;
}

/** What has been proved of a token and its holder. */
export interface ProvenToken {
  readonly scopes: ReadonlySet<string>;
  readonly boundBy: VerifiedAccessToken['boundBy'];
  /** The signed introspection answer that says so (RFC 9701), where one was asked for. */
  readonly signedAnswer: string | undefined;
}

export interface RefusalDecision {
  readonly outcome: 'refused';
  readonly error: OAuthError;
  readonly trace: RequestTrace;
}

/** How far a request came, for the log and the events. No token, proof or secret: digests stand for them. */
export interface RequestTrace {
  /** Milliseconds, as `performance.now()` counts them. */
  readonly startedAt: number;
  /** `undefined` where the request used none that is accepted. */
  readonly scheme: AuthenticationScheme | undefined;
  /** SHA-256 of the token, base64url. */
  readonly tokenDigest: string | undefined;
  /** SHA-256 of the certificate, base64url. */
  readonly certificateThumbprint: string | undefined;
  /** Whether the token was known already. */
  readonly cacheHit: boolean;
  /** The token, where it is verified. */
  readonly verified: TokenDescription | undefined;
  /** What the token says of itself, where it is not: anyone may have written it. */
  readonly claimed: JsonObject | undefined;
}

/** What an app decides by. */
export interface AuthenticationRules {
  readonly servers: TrustedServers;
  /** `undefined` where no token is remembered. */
  readonly knownTokens: KnownTokens | undefined;
  readonly certificateSource: ClientCertificateSource;
  readonly seenCertificates: SeenCertificates;
  /** The schemes that a token may be sent by. */
  readonly schemes: readonly AuthenticationScheme[];
  /** `undefined` where no DPoP proof is accepted. */
  readonly dpop: DpopRules | undefined;
  readonly options: ResolvedOptions;
}

/**
 * The way of a request: credentials → access token → confirmation → user. Any step may refuse by throwing an
 * `OAuthError`; scopes are asked for afterwards, by route. Nothing is waited for where nothing has to be: of a known token
 * and a certificate of the connection, or a proof that is remembered in this process, the decision is there at once. Each
 * step is called by name and handed what it needs: a closure for every step of every request would cost more than the
 * step.
 */
export function authenticateRequest(
  request: HttpRequest,
  rules: AuthenticationRules,
): MaybePromise<Decision> {
  const progress = startOfProgress();
  try {
    const decision = decide(request, rules, progress);
    return isPromise(decision) ? decideLater(decision, progress) : decision;
  } catch (error) {
    return refusal(error, progress);
  }
}

async function decideLater(decision: Promise<Acceptance>, progress: Progress): Promise<Decision> {
  try {
    return await decision;
  } catch (error) {
    return refusal(error, progress);
  }
}

/** How far the request has come: every member from the start, so that all are of one shape. */
export type Progress = { -readonly [Name in keyof RequestTrace]: RequestTrace[Name] } & {
  /** Not to be kept, nor to be seen by anyone else. */
  token: string | undefined;
};

/** Of a request in which nothing has been looked at yet. */
export function startOfProgress(): Progress {
  return {
    startedAt: performance.now(),
    scheme: undefined,
    tokenDigest: undefined,
    certificateThumbprint: undefined,
    cacheHit: false,
    verified: undefined,
    claimed: undefined,
    token: undefined,
  };
}

function decide(
  request: HttpRequest,
  rules: AuthenticationRules,
  progress: Progress,
): MaybePromise<Acceptance> {
  const authorization = readAuthorization(request, rules.schemes);
  progress.scheme = authorization.scheme;
  const token = readToken(authorization, request);
  progress.token = token;
  const tokenDigest = hash('sha256', token, 'base64url');
  progress.tokenDigest = tokenDigest;

  // Before anything is waited for: a client that hangs up takes its certificate along.
  const certificate = rules.certificateSource(request);
  if (certificate.kind === 'found') progress.certificateThumbprint = certificate.certificate.thumbprint;

  const attempt = new Attempt(request, rules, progress, authorization, token, tokenDigest, certificate);
  const known = knownToken(attempt);
  return isPromise(known) ? proveLater(known, attempt) : prove(known, attempt);
}

/** What a request came with. */
class Attempt implements ProofOfPossession {
  constructor(
    readonly request: HttpRequest,
    readonly rules: AuthenticationRules,
    readonly progress: Progress,
    readonly authorization: Authorization,
    readonly token: string,
    /** SHA-256, base64url. */
    readonly tokenDigest: string,
    readonly certificate: ClientCertificateFinding,
  ) {}

  get scheme(): AuthenticationScheme {
    return this.authorization.scheme;
  }

  get trust(): 'ca' | 'any' {
    return chainTrust(this.rules.options.clientCertificate);
  }

  get seenCertificates(): SeenCertificates {
    return this.rules.seenCertificates;
  }

  checkProof(jwkThumbprint: string, now: number): MaybePromise<ProofOutcome> {
    return checkDpopProof(this.request, this.tokenDigest, jwkThumbprint, requireDpop(this.rules.dpop), now);
  }
}

/** A token that names a key is refused before it comes to a proof that nothing can check. */
function requireDpop(dpop: DpopRules | undefined): DpopRules {
  if (dpop !== undefined) return dpop;
  throw invalidToken('confirmation_unsupported', { detail: 'cnf.jkt cannot be checked' });
}

/** The token with all that is known of it: from another request, or verified now. */
function knownToken(attempt: Attempt): MaybePromise<KnownToken> {
  const { rules, progress, tokenDigest } = attempt;
  const known = rules.knownTokens?.find(tokenDigest);
  if (known === undefined) return verifyToken(attempt);
  progress.cacheHit = true;
  progress.verified = known.description;
  return known;
}

function verifyToken({
  token,
  tokenDigest,
  authorization,
  progress,
  rules: { servers, knownTokens, dpop },
}: Attempt): MaybePromise<KnownToken> {
  checkTokenForm(token, authorization);
  return andThen(verifyAccessToken(token, servers), (verified) => {
    progress.verified = verified.description;
    const confirmation = readConfirmation(verified.claims, dpop !== undefined);
    const found: KnownToken = { ...verified, confirmation };
    knownTokens?.keep(tokenDigest, found);
    return found;
  });
}

/** Asked on each request, whoever the token is known by. */
function prove(known: KnownToken, attempt: Attempt): MaybePromise<Acceptance> {
  const { confirmation, server } = known;
  const proven = checkConfirmation(confirmation, server.settings.binding, attempt, Date.now());
  return isPromise(proven) ? acceptLater(known, proven, attempt) : accept(known, proven, attempt);
}

async function proveLater(known: Promise<KnownToken>, attempt: Attempt): Promise<Acceptance> {
  return prove(await known, attempt);
}

function accept(
  { description, confirmation, signedAnswer }: KnownToken,
  { boundBy, nextNonce }: ProvenPossession,
  { request, token: sent, progress, rules: { options } }: Attempt,
): MaybePromise<Acceptance> {
  const raw = options.exposeToken ? sent : undefined;
  const token = accessTokenFor(description, { confirmation, boundBy, raw });
  const accepted: Acceptance = {
    outcome: 'accepted',
    token,
    user: token,
    proved: { scopes: description.scopes, boundBy, signedAnswer },
    nextNonce,
    trace: withoutToken(progress),
  };
  return options.validate === undefined ? accepted : withUser(accepted, request, options.validate);
}

async function acceptLater(
  known: KnownToken,
  proven: Promise<ProvenPossession>,
  attempt: Attempt,
): Promise<Acceptance> {
  return accept(known, await proven, attempt);
}

/** @throws OAuthError 401 `invalid_token` when the app's `validate` refuses */
async function withUser(
  accepted: Acceptance,
  request: HttpRequest,
  validate: NonNullable<ResolvedOptions['validate']>,
): Promise<Acceptance> {
  const user = await callValidate(async () => validate(accepted.token, request));
  return { ...accepted, user: requireUser(user) };
}

function requireUser(user: unknown): unknown {
  if (user) return user;
  throw invalidToken('user_refused', { detail: `validate returned ${String(user)}` });
}

async function callValidate(call: () => Promise<unknown>): Promise<unknown> {
  try {
    return await call();
  } catch (cause) {
    const detail = `validate threw ${cause instanceof Error ? `${cause.name}: ${cause.message}` : 'no error'}`;
    throw invalidToken('user_refused', { detail, cause });
  }
}

/** @throws whatever is no refusal */
function refusal(error: unknown, progress: Progress): RefusalDecision {
  if (!(error instanceof OAuthError)) throw error;
  progress.claimed = claimedBy(progress);
  return { outcome: 'refused', error, trace: withoutToken(progress) };
}

/** The decision lives as long as the request, and the token need not. */
function withoutToken(progress: Progress): RequestTrace {
  progress.token = undefined;
  return progress;
}

function claimedBy({ token, verified }: Progress): JsonObject | undefined {
  if (verified !== undefined || token === undefined) return undefined;
  const shape = readTokenShape(token);
  return shape.kind === 'jwt' ? shape.payload : undefined;
}
