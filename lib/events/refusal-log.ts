import { type LogFields, renderFields } from '../common/log-fields.js';
import type { OAuthError } from '../challenge/oauth-error.js';
import { logLevelOf } from '../challenge/reasons.js';
import { BoundedLog } from '../common/bounded-log.js';
import { log } from '../common/log.js';

/** What is known of a refused request. No token, proof or secret: digests stand for them. */
export interface RefusalEvidence {
  readonly token?: TokenEvidence;
  /** SHA-256 of the token, base64url. */
  readonly tokenDigest?: string;
  /** SHA-256 of the client certificate, base64url. */
  readonly certificateThumbprint?: string;
  /** A UUID that names the call. */
  readonly interactionId?: string;
}

/** Claims of a token, as verified or as it says. */
export interface TokenEvidence {
  readonly verified: boolean;
  readonly issuer: unknown;
  readonly client: unknown;
  readonly subject: unknown;
}

/** Where a request was refused. */
export interface RefusedAt {
  /** Method and path pattern. */
  readonly route: string;
  /** The name of the policy of the route, where it has one. */
  readonly policy: string | undefined;
}

/**
 * Tells operations why a request was refused: one line a refusal, but above `debug` no more than ten within a minute for each
 * reason and authorization server, and then how many were left out.
 */
export class RefusalLog {
  private readonly bounded = new BoundedLog();

  /** Whether a line about this would be written: what is in it need not be put together otherwise. */
  writes(error: OAuthError): boolean {
    return log.writes(logLevelOf(error.reason, error));
  }

  refused(error: OAuthError, evidence: RefusalEvidence, { route, policy }: RefusedAt): void {
    const level = logLevelOf(error.reason, error);
    const line = `refused ${renderFields({
      ...summaryOf(error),
      route,
      policy,
      ...(evidence.token === undefined ? {} : describeToken(evidence.token)),
      token_sha256: evidence.tokenDigest,
      certificate_sha256: evidence.certificateThumbprint,
      interaction_id: evidence.interactionId,
    })}`;
    if (level === 'debug') log.debug(line);
    else this.bounded.write(level, kindOf(error, evidence), line);
  }
}

/** Of what is louder than `debug`, the issuer is a configured one, even where the token is not verified. */
function kindOf({ reason }: OAuthError, { token }: RefusalEvidence): string {
  return `refused ${renderFields({ reason, issuer: token?.issuer })}`;
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
