import { hash, X509Certificate } from 'node:crypto';
import type { AuthorizationServer } from './access-token/authorization-server.js';
import { accessTokenFor } from './access-token/describe-access-token.js';
import { UnreadAcceptance } from './access-token/unread-acceptance.js';
import { knownToken, type KnownToken, type KnownTokens } from './access-token/known-tokens.js';
import { withLimitedLife } from './access-token/limited-life.js';
import {
  type BeforeAsking,
  type TrustedServers,
  trustedServer,
  verifyAccessToken,
} from './access-token/verify-access-token.js';
import type { Psd2Role } from './cert-bound-auth.options.js';
import { invalidToken, OAuthError, outage } from './challenge/oauth-error.js';
import { withoutToken } from './challenge/without-token.js';
import type { CertificateChecks } from './client-certificate/certificate-checks.js';
import { nameOfCertificate } from './client-certificate/identity/certificate-name.js';
import type { ClientCheck } from './client-certificate/policy/client-check.js';
import { NO_ROLES, psd2RolesOf } from './client-certificate/policy/psd2-roles.js';
import { chainTrust } from './client-certificate/certificate-settings.js';
import type {
  ClientCertificateFinding,
  ClientCertificateSource,
} from './client-certificate/client-certificate.js';
import type { SeenCertificates } from './client-certificate/seen-certificates.js';
import { andThen, andThenWith, isPromise, type MaybePromise } from './common/maybe-promise.js';
import { nameAndMessageOf } from './common/message-of.js';
import {
  certificateRefusal,
  checkConfirmation,
  type ProofOfPossession,
  type ProvenPossession,
} from './confirmation/check-confirmation.js';
import { readConfirmation } from './confirmation/confirmation-claim.js';
import type {
  Acceptance,
  AuthenticationScheme,
  BindingMethod,
  Decision,
  RefusalDecision,
  RequestTrace,
  TokenDescription,
} from './decision.js';
import { checkDpopProof, type DpopRules, type ProofOutcome } from './dpop/check-dpop-proof.js';
import type { JsonObject } from './jose/json-object.js';
import { readTokenShape } from './jose/token-shape.js';
import type { ResolvedOptions } from './options/resolve-options.js';
import { type Authorization, checkTokenForm, readAuthorization, readToken } from './request/credentials.js';
import type { HttpRequest } from './request/http-request.js';
import { interactionIdOf } from './request/interaction-id.js';
import type { SessionCookies } from './session/session-cookies.js';
import type { SentSession, SessionGoesOn, SessionInUse } from './session/sent-session.js';
import { RevocableToken } from './revocation/revocable-token.js';
import type { RevocationList } from './revocation/revocation-list.js';

/** What an app decides by. */
export interface AuthenticationRules {
  readonly servers: TrustedServers;
  /** `undefined` where no token is remembered. */
  readonly knownTokens: KnownTokens | undefined;
  /** What has been revoked before its time; `undefined` where nothing can be. */
  readonly revocations: RevocationList | undefined;
  /** The cookies that stand for tokens; `undefined` where none does. */
  readonly sessions: SessionCookies | undefined;
  readonly certificateSource: ClientCertificateSource;
  /** What must hold of a certificate beside its chain; `undefined` where that is nothing. */
  readonly certificateChecks: CertificateChecks | undefined;
  /** Whether roles in certificates count: those of any CA do not. */
  readonly hasPsd2Roles: boolean;
  /** Whether a certificate must belong to the client of the token; `undefined` where that is not asked. */
  readonly clientCheck: ClientCheck | undefined;
  readonly seenCertificates: SeenCertificates;
  /** The schemes that a token may be sent by. */
  readonly schemes: readonly AuthenticationScheme[];
  /** `undefined` where no DPoP proof is accepted. */
  readonly dpop: DpopRules | undefined;
  readonly options: ResolvedOptions;
  /** Whether what is accepted gets a copy of its token at once. */
  readonly handsOutTokens: boolean;
  /** The HTTP status that an error of the app's own `validate` stands for, where it stands for one. */
  readonly statusOf: (error: unknown) => number | undefined;
}

/**
 * The way of a request: credentials and certificate → access token → confirmation → status → user. Any step may refuse by throwing
 * an `OAuthError`; scopes are asked for afterwards, by route. Nothing is waited for where nothing has to be: of a known
 * token and a certificate of the connection, or a proof that is remembered in this process, the decision is there at once.
 * @param before what has been proved already, which is not asked for again
 */
export function authenticateRequest(
  request: HttpRequest,
  rules: AuthenticationRules,
  before: ProvedBefore = NOTHING_BEFORE,
): MaybePromise<Decision> {
  const progress = progressOf(request, rules);
  try {
    const decision = decide(request, rules, progress, before);
    return isPromise(decision)
      ? decision.then(undefined, (error) => refusal(error, progress, rules))
      : decision;
  } catch (error) {
    return refusal(error, progress, rules);
  }
}

/** What has been proved before the decision: by the handshake of a connection, for a ticket, or to another policy. */
export interface ProvedBefore {
  /** Thumbprint of a DPoP key. */
  readonly provenKey: string | undefined;
  /** Whether the same request was accepted before: its session was in use then, and a connection has no new cookie to show. */
  readonly wasAccepted: boolean;
}

const NOTHING_BEFORE: ProvedBefore = Object.freeze({ provenKey: undefined, wasAccepted: false });

/**
 * Puts the credentials that a ticket stands for into its request.
 * @returns thumbprint of the DPoP key that was proved for the ticket, where one was
 * @throws OAuthError where the ticket is not good for this request
 */
type Redeem = () => Promise<string | undefined>;

/** The same, for whichever policy decides. @param policy its name; `undefined` for the module itself */
export type RedeemTicket = (policy: string | undefined) => Promise<string | undefined>;

/** The same for a request that came with a ticket instead of credentials. */
export async function authenticateByTicket(
  request: HttpRequest,
  rules: AuthenticationRules,
  redeem: Redeem,
): Promise<Decision> {
  let provenKey: string | undefined;
  try {
    provenKey = await redeem();
  } catch (error) {
    return refusal(error, progressOf(request, rules), rules);
  }
  return authenticateRequest(request, rules, { provenKey, wasAccepted: false });
}

function decide(
  request: HttpRequest,
  rules: AuthenticationRules,
  progress: Progress,
  before: ProvedBefore,
): MaybePromise<Acceptance> {
  const attempt = readAttempt(request, rules, progress, before);
  return andThenWith(findToken(attempt), confirm, attempt);
}

/** How far the request has come: every member from the start, so that all are of one shape. */
export type Progress = { -readonly [Name in keyof RequestTrace]: RequestTrace[Name] } & {
  /** Not to be kept, nor to be seen by anyone else. */
  token: string | undefined;
};

/** Of a request in which nothing has been looked at yet. @param interactionId where calls have one here */
export function startOfProgress(interactionId?: string): Progress {
  return {
    startedAt: performance.now(),
    scheme: undefined,
    bySession: false,
    tokenDigest: undefined,
    certificateThumbprint: undefined,
    cacheHit: false,
    verified: undefined,
    claimed: undefined,
    interactionId,
    token: undefined,
  };
}

/** The same of this request, by its name: the header means nothing to an app without the option. */
export function progressOf(
  request: HttpRequest,
  { options }: Pick<AuthenticationRules, 'options'>,
): Progress {
  return startOfProgress(options.interactionId === undefined ? undefined : interactionIdOf(request));
}

/** Credentials and certificate. */
function readAttempt(
  request: HttpRequest,
  rules: AuthenticationRules,
  progress: Progress,
  before: ProvedBefore,
): Attempt {
  const sent = readCredentials(request, rules, progress, before);
  return new Attempt(request, rules, progress, sent, before.provenKey);
}

/** What a request came with, to be judged. */
interface SentCredentials {
  readonly authorization: Authorization;
  readonly token: string;
  /** SHA-256, base64url. */
  readonly tokenDigest: string;
  readonly certificate: ClientCertificateFinding;
  /** The session that the token is from; `undefined` where it was sent itself. */
  readonly session: SessionInUse | undefined;
}

/** @throws OAuthError where there are none, or none that can be judged */
function readCredentials(
  request: HttpRequest,
  rules: AuthenticationRules,
  progress: Progress,
  before: ProvedBefore,
): SentCredentials {
  const sent = rules.sessions?.sentIn(request);
  if (sent !== undefined) return readSession(sent, rules, progress, before);
  const authorization = readAuthorization(request, rules.schemes);
  progress.scheme = authorization.scheme;
  const token = readToken(authorization, request);
  const tokenDigest = noteToken(token, progress);

  // Before anything is waited for: a client that hangs up takes its certificate along.
  const certificate = findCertificate(request, rules, progress);
  return { authorization, token, tokenDigest, certificate, session: undefined };
}

function noteToken(token: string, progress: Progress): string {
  progress.token = token;
  const tokenDigest = hash('sha256', token, 'base64url');
  progress.tokenDigest = tokenDigest;
  return tokenDigest;
}

function findCertificate(
  request: HttpRequest,
  { certificateSource }: AuthenticationRules,
  progress: Progress,
): ClientCertificateFinding {
  const certificate = certificateSource(request);
  if (certificate.kind === 'found') progress.certificateThumbprint = certificate.certificate.thumbprint;
  return certificate;
}

/** The token that a session stands for, as if it had been sent as a bearer token: a cookie can bring no proof of a DPoP key. */
function readSession(
  sent: SentSession,
  rules: AuthenticationRules,
  progress: Progress,
  { wasAccepted }: ProvedBefore,
): SentCredentials {
  progress.scheme = 'Bearer';
  progress.bySession = true;
  sent.requireOwnPage();
  const certificate = findCertificate(sent.request, rules, progress);
  if (certificate.kind === 'none') throw invalidToken(certificate.reason, { detail: certificate.detail });
  const session = sent.open(certificate.certificate.thumbprint, Date.now() / 1_000);
  const { token } = session;
  const tokenDigest = noteToken(token, progress);
  if (!wasAccepted) session.requireInUse();
  const authorization: Authorization = { scheme: 'Bearer', header: `Bearer ${token}` };
  return { authorization, token: readToken(authorization, sent.request), tokenDigest, certificate, session };
}

const PROVEN_BEFORE: ProofOutcome = Object.freeze({ nextNonce: undefined });

/** A request with what it came with. */
class Attempt implements ProofOfPossession, SentCredentials {
  readonly authorization: Authorization;
  readonly token: string;
  readonly tokenDigest: string;
  readonly certificate: ClientCertificateFinding;
  readonly session: SessionInUse | undefined;

  constructor(
    readonly request: HttpRequest,
    readonly rules: AuthenticationRules,
    readonly progress: Progress,
    { authorization, token, tokenDigest, certificate, session }: SentCredentials,
    private readonly provenKey: string | undefined,
  ) {
    this.authorization = authorization;
    this.token = token;
    this.tokenDigest = tokenDigest;
    this.certificate = certificate;
    this.session = session;
  }

  get scheme(): AuthenticationScheme {
    return this.authorization.scheme;
  }

  get trust(): 'ca' | 'any' {
    return chainTrust(this.rules.options.clientCertificate);
  }

  get certificateChecks(): CertificateChecks | undefined {
    return this.rules.certificateChecks;
  }

  get seenCertificates(): SeenCertificates {
    return this.rules.seenCertificates;
  }

  checkProof(jwkThumbprint: string, now: number): MaybePromise<ProofOutcome> {
    if (jwkThumbprint === this.provenKey) return PROVEN_BEFORE;
    return checkDpopProof(this.request, this.tokenDigest, jwkThumbprint, requireDpop(this.rules.dpop), now);
  }
}

/** A token that names a key is refused before it comes to a proof that nothing can check. */
function requireDpop(dpop: DpopRules | undefined): DpopRules {
  if (dpop !== undefined) return dpop;
  throw invalidToken('confirmation_unsupported', { detail: 'cnf.jkt cannot be checked' });
}

/** The token with all that is known of it: from another request, or verified now. */
function findToken(attempt: Attempt): MaybePromise<KnownToken> {
  const { rules, request, tokenDigest } = attempt;
  const { servers } = rules;
  const known = rules.knownTokens?.find(tokenDigest);
  if (known === undefined) return verifyToken(attempt);
  if (servers.resolved === undefined) return remembered(known, attempt);
  const trusted = trustedServer(known.server.settings.issuer, servers, request);
  return andThenWith(trusted, knownBy, known, attempt);
}

/** The app may trust another server for this request than for that which made the token known, or the same one otherwise. */
function knownBy(
  trusted: AuthorizationServer,
  known: KnownToken,
  attempt: Attempt,
): MaybePromise<KnownToken> {
  return trusted === known.server ? remembered(known, attempt) : verifyToken(attempt);
}

function remembered(known: KnownToken, { progress }: Attempt): KnownToken {
  progress.cacheHit = true;
  progress.verified = known.description;
  return known;
}

function verifyToken({
  request,
  token,
  tokenDigest,
  authorization,
  certificate,
  progress,
  rules: { servers, knownTokens, revocations, dpop },
}: Attempt): MaybePromise<KnownToken> {
  checkTokenForm(token, authorization);
  const beforeAsking: BeforeAsking = (asked) => refuseWithoutCertificate(asked, certificate, dpop);
  return andThen(verifyAccessToken(token, servers, request, beforeAsking), (verified) => {
    progress.verified = verified.description;
    const confirmation = readConfirmation(verified.claims, dpop !== undefined);
    const found =
      revocations === undefined
        ? knownToken(verified, confirmation, undefined)
        : knownToken(
            withLimitedLife(verified, revocations.settings),
            confirmation,
            new RevocableToken(verified.description, confirmation, revocations),
          );
    knownTokens?.keep(tokenDigest, found);
    return found;
  });
}

/**
 * Nobody is asked for a request that is refused whatever the answer: a certificate alone could bind the token, to every
 * server that might know it, and there is none.
 * @throws OAuthError 401 `invalid_token`
 */
function refuseWithoutCertificate(
  asked: readonly AuthorizationServer[],
  certificate: ClientCertificateFinding,
  dpop: DpopRules | undefined,
): void {
  if (dpop !== undefined || certificate.kind === 'found') return;
  if (asked.some(({ settings }) => settings.binding !== 'required')) return;
  throw invalidToken(certificate.reason, { detail: certificate.detail });
}

/** Asked on each request, whoever the token is known by. */
function confirm(known: KnownToken, attempt: Attempt): MaybePromise<Acceptance> {
  const { confirmation, server } = known;
  const proven = checkConfirmation(confirmation, server.settings.binding, attempt, Date.now());
  return andThenWith(proven, acceptIfValid, known, attempt);
}

/** The status of a token may change while it is known. Nobody is asked for it by who does not hold the token's keys. */
function acceptIfValid(
  proven: ProvenPossession,
  known: KnownToken,
  attempt: Attempt,
): MaybePromise<Acceptance> {
  const { status, server, description } = known;
  const problem = attempt.rules.revocations?.problemWith(description.issuer);
  if (status === undefined && problem === undefined) return accept(proven, known, attempt);
  return andThen(status === undefined ? undefined : server.checkStatus(status), () =>
    andThen(problem === undefined ? undefined : askInstead(problem, known, attempt), () =>
      accept(proven, known, attempt),
    ),
  );
}

/** Who tells of revoked tokens is not heard: their server knows as well, where it can be asked. */
async function askInstead(problem: string, { server }: KnownToken, { token }: Attempt): Promise<void> {
  if (server.settings.introspection === undefined)
    throw outage('revocations_unavailable', { detail: problem });
  await server.lookUp(token);
}

function accept(
  { boundBy, nextNonce }: ProvenPossession,
  { description, granted, confirmation, signedAnswer, validity, revocable }: KnownToken,
  { request, token: sent, progress, rules, certificate, session }: Attempt,
): MaybePromise<Acceptance> {
  if (revocable !== undefined) {
    noteHolder(revocable, boundBy, certificate);
    revocable.requireGood();
  }
  if (rules.clientCheck !== undefined) checkClient(rules.clientCheck, boundBy, certificate, description);
  const raw = rules.options.exposeToken ? sent : undefined;
  const proved = {
    scopes: granted,
    described: description,
    confirmation,
    boundBy,
    raw,
    signedAnswer,
    psd2Roles: rules.hasPsd2Roles ? provenPsd2Roles(boundBy, certificate) : NO_ROLES,
    certificate,
    revocable,
  };
  const { sessionCookie, validUntil = validity.until } =
    session?.goOn(boundBy, validity.until) ?? SENT_ITSELF;
  if (!rules.handsOutTokens && rules.options.validate === undefined) {
    const trace = traceOf(progress);
    return new UnreadAcceptance(proved, nextNonce, sessionCookie, validUntil, trace);
  }
  const token = accessTokenFor(description, proved);
  const accepted: Acceptance = {
    outcome: 'accepted',
    token,
    user: token,
    proved,
    nextNonce,
    sessionCookie,
    validUntil,
    trace: traceOf(progress),
  };
  if (rules.options.validate === undefined) return accepted;
  const withItsUser = withUser(accepted, request, rules);
  return revocable === undefined ? withItsUser : stillGood(withItsUser, revocable);
}

/** It can be revoked by the certificate that its holder has proved. */
function noteHolder(
  revocable: RevocableToken,
  boundBy: ProvenPossession['boundBy'],
  found: ClientCertificateFinding,
): void {
  if (found.kind === 'none' || !boundBy.includes('certificate')) return;
  const { identity } = found.certificate;
  if (identity instanceof X509Certificate) revocable.holdBy(() => nameOfCertificate(identity));
}

/** Of a token that no session stands for. */
const SENT_ITSELF: Partial<SessionGoesOn> = Object.freeze({});

/** Only a certificate that has been proved on this request, and met the policy, says what its holder may do. */
export function provenPsd2Roles(
  boundBy: readonly BindingMethod[],
  found: ClientCertificateFinding,
): readonly Psd2Role[] {
  return boundBy.includes('certificate') && found.kind === 'found'
    ? psd2RolesOf(found.certificate)
    : NO_ROLES;
}

/** The app may have taken its time to make the user. */
async function stillGood(accepted: Promise<Acceptance>, revocable: RevocableToken): Promise<Acceptance> {
  const found = await accepted;
  revocable.requireGood();
  return found;
}

/** @throws OAuthError where the certificate that the token is bound to is another client's */
function checkClient(
  check: ClientCheck,
  boundBy: ProvenPossession['boundBy'],
  finding: ClientCertificateFinding,
  token: TokenDescription,
): void {
  if (finding.kind === 'none' || !boundBy.includes('certificate')) return;
  const problem = check(finding.certificate, token);
  if (problem !== undefined) throw certificateRefusal(problem);
}

/** Makes the user of a token by the app's `validate`. @throws OAuthError 401 `invalid_token` when that refuses */
export async function withUser(
  accepted: Acceptance,
  request: HttpRequest,
  { options, statusOf }: Pick<AuthenticationRules, 'options' | 'statusOf'>,
): Promise<Acceptance> {
  const user = await callValidate(async () => options.validate?.(accepted.token, request), statusOf);
  return { ...accepted, user: requireUser(user) };
}

function requireUser(user: unknown): unknown {
  if (user) return user;
  throw invalidToken('user_refused', { detail: `validate returned ${String(user)}` });
}

async function callValidate(
  call: () => Promise<unknown>,
  statusOf: AuthenticationRules['statusOf'],
): Promise<unknown> {
  try {
    return await call();
  } catch (cause) {
    const detail = `validate threw ${nameAndMessageOf(cause)}`;
    throw invalidToken('user_refused', { detail, cause, chosenStatus: statusOf(cause) });
  }
}

/** @throws whatever is no refusal */
function refusal(error: unknown, progress: Progress, { sessions }: AuthenticationRules): RefusalDecision {
  if (!(error instanceof OAuthError)) throw error;
  progress.claimed = claimedBy(progress);
  const told = withoutToken(error, progress.token ?? '');
  const sessionCookie = sessions?.endedBy(error, progress.bySession);
  return { outcome: 'refused', error: told, sessionCookie, trace: traceOf(progress) };
}

/** The decision lives as long as the request, and the token need not. */
function traceOf(progress: Progress): RequestTrace {
  progress.token = undefined;
  return progress;
}

function claimedBy({ token, verified }: Progress): JsonObject | undefined {
  if (verified !== undefined || token === undefined) return undefined;
  const shape = readTokenShape(token);
  return shape.kind === 'jwt' ? shape.payload : undefined;
}
