import { Injectable } from '@nestjs/common';
import { certificateName } from '../client-certificate/identity/certificate-name.js';
import { messageOf } from '../common/message-of.js';
import { quoted, quotedList } from '../common/quoted.js';
import { entriesFor, type Revocation, type RevokedTokens } from '../revocation/revocation-entry.js';
import type { RevocationList } from '../revocation/revocation-list.js';
import { readRevocation } from '../revocation/read-revocation.js';

/** What has been revoked in an app, for its other modules. */
export const APP_REVOCATIONS = Symbol('revocations of the app');

/** `list` is `undefined` where nothing can be revoked. */
export interface AppRevocations {
  readonly list: RevocationList | undefined;
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
   * Refuses these tokens from now on. With a store, it has kept that when this resolves, and each other instance is told.
   * @throws TypeError for what names no tokens, or is no member; Error without the option `revocations`, and for an issuer whose
   * tokens are accepted nowhere; Error where the store has not kept it
   */
  async revoke(revocation: Revocation): Promise<void> {
    const { list } = this;
    if (list === undefined) throw new Error('give the module the option revocations: {}');
    const now = Date.now() / 1000;
    const { maxTokenLifetime, clockTolerance } = list.settings;
    const { tokens, issuedBefore } = readRevocation(revocation, { now, clockTolerance });
    requireServed(tokens.issuer, list.servedIssuers);
    await list.revoke(entriesFor(named(tokens), { issuedBefore, now, maxTokenLifetime }));
  }
}

/** The list that these revocations are kept in, for other modules of this library. */
export function revocationListOf(revocations: TokenRevocations): RevocationList | undefined {
  return revocations['list'];
}

/** @throws TypeError for a certificate whose issuer or serial number is none */
function named({ certificate, ...tokens }: Omit<Revocation, 'issuedBefore'>): RevokedTokens {
  if (certificate === undefined) return tokens;
  try {
    return { ...tokens, certificate: certificateName(certificate) };
  } catch (cause) {
    throw new TypeError(`"certificate" is wrong: ${messageOf(cause)}`, { cause });
  }
}

/** A name that is written wrongly would revoke nothing, and nobody would know. */
function requireServed(issuer: string, served: ReadonlySet<string> | undefined): void {
  if (served === undefined || served.has(issuer)) return;
  const known = quotedList(served);
  throw new Error(`issuer is ${quoted(issuer)}, whose tokens are accepted nowhere; it is one of ${known}`);
}
