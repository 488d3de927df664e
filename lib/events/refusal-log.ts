import { type LogFields, renderFields } from '../common/log-fields.js';
import type { OAuthError } from '../challenge/oauth-error.js';
import { logLevelOf } from '../challenge/reasons.js';
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
    log[logLevelOf(error.reason, error)](line);
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
