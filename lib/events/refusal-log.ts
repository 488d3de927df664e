import { HttpException } from '@nestjs/common';
import { type LogFields, renderFields } from '../common/log-fields.js';
import type { OAuthError } from '../challenge/oauth-error.js';
import { log } from '../common/log.js';

/** What is known of a refused request. No token, proof or secret: digests stand for them. */
export interface RefusalEvidence {
  readonly token?: TokenEvidence;
  /** SHA-256 of the token, base64url. */
  readonly tokenDigest?: string;
  /** SHA-256 of the client certificate, base64url. */
  readonly certificateThumbprint?: string;
}

/** Claims of a token, as verified or as it says. */
export interface TokenEvidence {
  readonly verified: boolean;
  readonly issuer: unknown;
  readonly client: unknown;
  readonly subject: unknown;
}

/** Tells operations why a request was refused: one line a refusal. */
export class RefusalLog {
  /** @param route method and path pattern */
  refused(error: OAuthError, evidence: RefusalEvidence, route: string): void {
    const line = `refused ${renderFields({
      ...summaryOf(error),
      route,
      ...(evidence.token === undefined ? {} : describeToken(evidence.token)),
      token_sha256: evidence.tokenDigest,
      certificate_sha256: evidence.certificateThumbprint,
    })}`;
    log[levelOf(error)](line);
  }
}

/** What the authorization server, or our own configuration, is to blame for is louder than what a caller is. */
function levelOf({ reason, detail, cause }: OAuthError): 'error' | 'warn' | 'debug' {
  switch (reason) {
    case 'authorization_server_refused_client':
    case 'authorization_server_answer_invalid':
    case 'context_unsupported':
      return 'error';
    case 'authorization_server_unreachable':
    case 'key_unusable':
    case 'public_url_unknown':
    case 'replay_store_unavailable':
    case 'proofs_too_many':
      return 'warn';
    case 'introspection_refused':
      // Of a JWT the endpoint may say so; any other error can be a fault of our own parameters.
      return detail?.includes('unsupported_token_type') === true ? 'debug' : 'warn';
    case 'user_refused':
      // An error that says nothing of HTTP is likelier a fault in `validate` than a decision.
      return cause === undefined || cause instanceof HttpException ? 'debug' : 'warn';
    default:
      return 'debug';
  }
}

function summaryOf({ refusal, reason, detail }: OAuthError): LogFields {
  return { status: refusal.status, error: refusal.code, reason, detail };
}

/** What an unverified token says of itself is marked so. */
function describeToken({ verified, issuer, client, subject }: TokenEvidence): LogFields {
  return verified
    ? { issuer, client, subject }
    : { unverified_issuer: issuer, unverified_client: client, unverified_subject: subject };
}
