import { HttpException, Logger } from '@nestjs/common';
import type { OAuthError } from './oauth-error.js';

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
  private readonly logger = new Logger('CertBoundAuth');

  /** @param route method and path pattern */
  refused(error: OAuthError, evidence: RefusalEvidence, route: string): void {
    const line = `refused ${render({
      ...summaryOf(error),
      route,
      ...(evidence.token === undefined ? {} : describeToken(evidence.token)),
      token_sha256: evidence.tokenDigest,
      certificate_sha256: evidence.certificateThumbprint,
    })}`;
    this.logger[levelOf(error)](line);
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

type Fields = Readonly<Record<string, unknown>>;

function summaryOf({ refusal, reason, detail }: OAuthError): Fields {
  return { status: refusal.status, error: refusal.code, reason, detail };
}

/** What an unverified token says of itself is marked so. */
function describeToken({ verified, issuer, client, subject }: TokenEvidence): Fields {
  return verified
    ? { issuer, client, subject }
    : { unverified_issuer: issuer, unverified_client: client, unverified_subject: subject };
}

/** `name=value` pairs; what is neither text nor a number is left out. */
function render(fields: Fields): string {
  return Object.entries(fields)
    .filter(([, value]) => typeof value === 'string' || typeof value === 'number')
    .map(([name, value]) => `${name}=${quote(String(value))}`)
    .join(' ');
}

const MAX_LENGTH = 300;

/** Quotes text, cuts it, and escapes all but printable ASCII, so that no value can forge a line or a field. */
function quote(text: string): string {
  if (/^[\w.:/-]+$/.test(text) && text.length <= MAX_LENGTH) return text;
  return JSON.stringify(text.slice(0, MAX_LENGTH)).replaceAll(/[^\x20-\x7e]/g, escapeUnit);
}

function escapeUnit(unit: string): string {
  return `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`;
}
