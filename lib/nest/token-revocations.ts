import { Injectable } from '@nestjs/common';
import { quoted, quotedList } from '../common/quoted.js';
import { entriesFor } from '../revocation/revocation-entry.js';
import type { RevocationList } from '../revocation/revocation-list.js';
import { readRevocation } from '../revocation/read-revocation.js';

/** What has been revoked in an app, for its other modules. */
export const APP_REVOCATIONS = Symbol('revocations of the app');

/** `list` is `undefined` where nothing can be revoked. */
export interface AppRevocations {
  readonly list: RevocationList | undefined;
}

/**
 * Which tokens: those of `issuer` that have all of what is named, which must be one thing at least. Name no member with
 * `undefined`: that is an error, for more would be revoked than is meant.
 */
export interface Revocation {
  /** The `issuer` of one of the authorization servers. */
  readonly issuer: string;
  /** `sub`, or what `claims.subject` finds. */
  readonly subject?: string;
  /** `sid`. Beside `subject`, tokens of that subject without `sid` are refused, too. */
  readonly sessionId?: string;
  /** `jti`. */
  readonly tokenId?: string;
  /** `client_id`, or what `claims.clientId` finds. */
  readonly clientId?: string;
  /** `x5t#S256` of the certificate that the tokens are bound to. */
  readonly certificateThumbprint?: string;
  /**
   * Tokens are refused that were issued at this second or earlier, in seconds since the epoch. One without `iat` always is.
   * @default now and `clockTolerance`, for the server's clock may be ahead; with `tokenId` or `sessionId` whenever it was issued
   */
  readonly issuedBefore?: number;
}

/**
 * Revokes tokens before they expire, whoever has issued them: a known one, too, is refused on its next request, and what goes on
 * with one (streams, events, sockets, subscriptions) ends within a second. It needs the option `revocations`.
 * @example
 * ```ts
 * import { Injectable } from '@nestjs/common';
 * import { TokenRevocations } from 'nestjs-cert-bound-auth';
 *
 * @Injectable()
 * export class Accounts {
 *   constructor(private readonly revocations: TokenRevocations) {}
 *
 *   async lock(subject: string): Promise<void> {
 *     await this.revocations.revoke({ issuer: 'https://as.example.com', subject });
 *   }
 * }
 * ```
 */
@Injectable()
export class TokenRevocations {
  /** @param list of the app; `undefined` where nothing can be revoked */
  constructor(private readonly list: RevocationList | undefined) {}

  /**
   * Refuses these tokens from now on.
   * @throws TypeError for what names no tokens, or is no member; Error without the option `revocations`, and for an issuer whose
   * tokens are accepted nowhere
   */
  async revoke(revocation: Revocation): Promise<void> {
    const { list } = this;
    if (list === undefined) throw new Error('give the module the option revocations: {}');
    const now = Date.now() / 1000;
    const { maxTokenLifetime, clockTolerance } = list.settings;
    const { tokens, issuedBefore } = readRevocation(revocation, { now, clockTolerance });
    requireServed(tokens.issuer, list.servedIssuers);
    list.add(entriesFor(tokens, { issuedBefore, now, maxTokenLifetime }));
  }
}

/** A name that is written wrongly would revoke nothing, and nobody would know. */
function requireServed(issuer: string, served: ReadonlySet<string> | undefined): void {
  if (served === undefined || served.has(issuer)) return;
  const known = quotedList(served);
  throw new Error(`issuer is ${quoted(issuer)}, whose tokens are accepted nowhere; it is one of ${known}`);
}
