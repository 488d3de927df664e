import { hash } from 'node:crypto';
import type { AuthorizationServer } from './access-token/authorization-server.js';
import { claimAt } from './access-token/claim-at.js';
import { describeAccessToken } from './access-token/describe-access-token.js';
import type { JsonObject } from './access-token/json-object.js';
import { readTokenShape } from './access-token/token-shape.js';
import {
  type TrustedServers,
  type VerifiedClaims,
  verifyAccessToken,
} from './access-token/verify-access-token.js';
import type { VerifiedAccessToken } from './access-token/verified-access-token.js';
import { invalidToken, OAuthError } from './challenge/oauth-error.js';
import type { RefusalEvidence, TokenEvidence } from './challenge/refusal-log.js';
import { checkConfirmation } from './confirmation/check-confirmation.js';
import { checkDpopProof, type DpopRules } from './confirmation/check-dpop-proof.js';
import { readConfirmation } from './confirmation/confirmation-claim.js';
import { type AuthenticationScheme, readAuthorization, readToken } from './request/credentials.js';
import type { ClientCertificate, ClientCertificateSource } from './request/client-certificate.js';
import type { HttpRequest } from './request/http-request.js';
import { chainTrust, type ResolvedOptions } from './options/resolved-options.js';

/** Whether a request may go on to authorization. */
export type Decision = Acceptance | RefusalDecision;

export interface Acceptance {
  readonly outcome: 'accepted';
  readonly token: VerifiedAccessToken;
  /** The token, or what the app's `validate` made of it. */
  readonly user: unknown;
  readonly scheme: AuthenticationScheme;
  /** The nonce for the client's next DPoP proof, where it needs another one. */
  readonly nextNonce: string | undefined;
}

export interface RefusalDecision {
  readonly outcome: 'refused';
  readonly error: OAuthError;
  readonly evidence: RefusalEvidence;
  /** `undefined` where the request used none that is accepted. */
  readonly scheme: AuthenticationScheme | undefined;
}

/** What an app decides by. */
export interface AuthenticationRules {
  readonly servers: TrustedServers;
  readonly certificateSource: ClientCertificateSource;
  /** `undefined` where no DPoP proof is accepted. */
  readonly dpop: DpopRules | undefined;
  readonly options: ResolvedOptions;
}

/**
 * The way of a request: credentials → access token → confirmation → user. Any step may refuse by throwing an
 * `OAuthError`; scopes are asked for afterwards, by route.
 */
export async function authenticateRequest(
  request: HttpRequest,
  { servers, certificateSource, dpop, options }: AuthenticationRules,
): Promise<Decision> {
  const progress: Progress = {};
  try {
    const authorization = readAuthorization(request, acceptedSchemes(dpop));
    const { scheme } = authorization;
    progress.scheme = scheme;
    const token = readToken(authorization, request);
    progress.token = token;

    // Before anything is waited for: a client that hangs up takes its certificate along.
    const certificate = certificateSource(request);
    if (certificate.kind === 'found') progress.certificate = certificate.certificate;

    const verified = await verifyAccessToken(token, servers);
    progress.verified = verified;
    const { claims, server } = verified;
    const { issuer, binding, claimNames } = server.settings;

    const confirmation = readConfirmation(claims, dpop !== undefined);
    const now = Date.now();
    const { boundBy, nextNonce } = await checkConfirmation(confirmation, binding, {
      scheme,
      certificate,
      trust: chainTrust(options.clientCertificate),
      now,
      checkProof: async (thumbprint) => checkDpopProof(request, token, thumbprint, requireDpop(dpop), now),
    });

    const raw = options.exposeToken ? token : undefined;
    const described = describeAccessToken({ issuer, claims, claimNames, confirmation, boundBy, raw });
    const user = await userOf(described, request, options);
    return { outcome: 'accepted', token: described, user, scheme, nextNonce };
  } catch (error) {
    if (!(error instanceof OAuthError)) throw error;
    return { outcome: 'refused', error, evidence: evidenceOf(progress), scheme: progress.scheme };
  }
}

/** The schemes that a token may be sent by. */
export function acceptedSchemes(dpop: DpopRules | undefined): readonly AuthenticationScheme[] {
  return dpop === undefined ? ['Bearer'] : ['Bearer', 'DPoP'];
}

/** A token that names a key is refused before it comes to a proof that nothing can check. */
function requireDpop(dpop: DpopRules | undefined): DpopRules {
  if (dpop !== undefined) return dpop;
  throw invalidToken('confirmation_unsupported', { detail: 'cnf.jkt cannot be checked' });
}

/** @throws OAuthError 401 `invalid_token` when the app's `validate` refuses */
async function userOf(
  token: VerifiedAccessToken,
  request: HttpRequest,
  { validate }: ResolvedOptions,
): Promise<unknown> {
  if (validate === undefined) return token;
  const user = await callValidate(async () => validate(token, request));
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

/** How far a request came before it was refused. */
interface Progress {
  scheme?: AuthenticationScheme;
  certificate?: ClientCertificate;
  token?: string;
  verified?: VerifiedClaims;
}

/** What the log may say of a refused request. */
function evidenceOf({ certificate, token, verified }: Progress): RefusalEvidence {
  return {
    ...(certificate === undefined ? {} : { certificateThumbprint: certificate.thumbprint }),
    ...(token === undefined ? {} : { tokenDigest: hash('sha256', token, 'base64url') }),
    ...(verified === undefined
      ? unverified(token)
      : { token: claimed(true, verified.claims, verified.server) }),
  };
}

function unverified(token: string | undefined): Pick<RefusalEvidence, 'token'> {
  const shape = token === undefined ? undefined : readTokenShape(token);
  return shape?.kind === 'jwt' ? { token: claimed(false, shape.payload) } : {};
}

function claimed(verified: boolean, claims: JsonObject, server?: AuthorizationServer): TokenEvidence {
  const { clientId = 'client_id', subject = 'sub' } = server?.settings.claimNames ?? {};
  return {
    verified,
    issuer: server?.settings.issuer ?? claims['iss'],
    client: claimAt(claims, clientId),
    subject: claimAt(claims, subject),
  };
}
