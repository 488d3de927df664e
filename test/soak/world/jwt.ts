import { randomUUID, sign } from 'node:crypto';
import { AUDIENCE, SCOPE } from '../settings.js';
import { CLOCK_TOLERANCE } from '../timing.js';
import type { Exchange, SigningKey } from './key-ring.js';

/** A JWT, and what is known of it. */
export interface IssuedJwt {
  readonly token: string;
  readonly subject: string;
  readonly key: SigningKey;
  /** Milliseconds since the epoch. */
  readonly expiresAt: number;
}

/** What a JWT says. */
export interface JwtContents {
  readonly issuer: string;
  readonly key: SigningKey;
  /** The `cnf` claim. */
  readonly confirmation?: object;
  /** Milliseconds. */
  readonly lifetime: number;
  readonly audience?: string;
  /** @default the one that routes ask for */
  readonly scope?: string;
  /** Key that signs in the place of the one that is named. */
  readonly signedBy?: SigningKey;
}

/** Mints a JWT access token (RFC 9068). */
export function mintJwt(contents: JwtContents): IssuedJwt {
  const { key, signedBy = key, lifetime } = contents;
  const subject = `jwt ${randomUUID()}`;
  const now = Math.floor(Date.now() / 1000);
  const expires = now + Math.ceil(lifetime / 1000);
  const claims = {
    iss: contents.issuer,
    sub: subject,
    client_id: 'client',
    aud: contents.audience ?? AUDIENCE,
    scope: contents.scope ?? SCOPE,
    iat: Math.min(now, expires),
    exp: expires,
    jti: randomUUID(),
    ...(contents.confirmation === undefined ? {} : { cnf: contents.confirmation }),
  };
  const input = `${encode({ alg: 'ES256', typ: 'at+jwt', kid: key.kid })}.${encode(claims)}`;
  const signature = sign('sha256', Buffer.from(input), {
    key: signedBy.privateKey,
    dsaEncoding: 'ieee-p1363',
  });
  return { token: `${input}.${signature.toString('base64url')}`, subject, key, expiresAt: expires * 1000 };
}

/** The confirmation of a token that is bound to a certificate. */
export function boundTo({ thumbprint }: { readonly thumbprint: string }): object {
  return { 'x5t#S256': thumbprint };
}

/**
 * What may be answered to a token that is otherwise good. With a key that is published there is no doubt: neither
 * 401 nor 503. To know of a key that is withdrawn the authority must be asked.
 */
export function statusesForJwt({ key, expiresAt }: IssuedJwt, exchange: Exchange): readonly number[] {
  const state = key.stateDuring(exchange);
  if (state === 'known' && exchange.receivedAt < expiresAt) return [200];
  const over = exchange.sentAt >= expiresAt + CLOCK_TOLERANCE * 1000 + 1000;
  const refusals = state === 'known' ? [401] : [401, 503];
  return over || state === 'gone' ? refusals : [200, ...refusals];
}

/** What may be answered to a token that must not pass, whoever signed it. */
export function refusalsForJwt({ key }: IssuedJwt, exchange: Exchange): readonly number[] {
  return key.stateDuring(exchange) === 'known' ? [401] : [401, 503];
}

function encode(part: object): string {
  return Buffer.from(JSON.stringify(part)).toString('base64url');
}
