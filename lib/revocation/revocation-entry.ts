import type { RevocationEntry } from '../cert-bound-auth.options.js';
import { keyText, SHAPE, type Shape, tokenKey } from './token-key.js';

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
  /** The certificate that the tokens are bound to, by its issuer and serial number, where its thumbprint is not known. */
  readonly certificate?: {
    /** Distinguished name as RFC 4514 writes it, `CN=Clients CA,O=Bank`: every character counts. */
    readonly issuer: string;
    /** Hexadecimal, in any case, with or without colons and leading zeros. */
    readonly serialNumber: string;
  };
  /**
   * Tokens are refused that were issued at this second or earlier, in seconds since the epoch. One without `iat` always is.
   * @default now and `clockTolerance`, for the server's clock may be ahead; with `tokenId`, `sessionId` or
   * `certificate` whenever it was issued
   */
  readonly issuedBefore?: number;
}

/** Which tokens of an issuer, whenever they were issued. */
export interface RevokedTokens extends Omit<Revocation, 'issuedBefore' | 'certificate'> {
  /** A text that stands for issuer and serial number. */
  readonly certificate?: string;
}

/** What tokens may be named by, in the order of {@link SHAPE}. */
export const NAMED = [
  'subject',
  'sessionId',
  'tokenId',
  'clientId',
  'certificateThumbprint',
  'certificate',
] as const;

/** Of an entry that every token is older than: what it names is never used again. */
export const NEVER_AGAIN = 0xffff_ffff;

/** Seconds that an entry is kept for beyond the longest life of a token: clocks may differ by 300. */
export const SLACK = 600;

/** When an entry is made, and what for. */
export interface RevocationTimes {
  readonly issuedBefore: number;
  /** Seconds since the epoch. */
  readonly now: number;
  /** The longest life of a token, in seconds. */
  readonly maxTokenLifetime: number;
}

/**
 * The entries that refuse some tokens. Where a session of a subject is named, tokens of the subject that name no session are
 * refused as well: they may belong to it.
 */
export function entriesFor(tokens: RevokedTokens, times: RevocationTimes): readonly RevocationEntry[] {
  const named = NAMED.filter((name) => tokens[name] !== undefined);
  const shape = shapeOf(named);
  const own = entryOf(shape, tokens, named, times);
  if (tokens.subject === undefined || tokens.sessionId === undefined) return [own];
  const beside = named.filter((name) => name !== 'sessionId');
  const withoutSession = shapeOf(beside) + SHAPE.withoutSession;
  return [own, entryOf(withoutSession, tokens, beside, times)];
}

/** The entry that refuses all tokens of an account, or takes that back. */
export function accountEntry(
  kind: RevocationEntry['kind'],
  tokens: { readonly issuer: string; readonly subject: string },
  times: RevocationTimes,
): RevocationEntry {
  return { ...entryOf(SHAPE.subject + SHAPE.account, tokens, ['subject'], times), kind };
}

/**
 * The entry that refuses all tokens of an issuer that are as old as those of another entry, for which there is no room.
 * @param now seconds since the epoch
 * @param clockTolerance seconds
 */
export function issuerEntry(
  { issuer, issuedBefore, until }: RevocationEntry,
  now: number,
  clockTolerance: number,
): RevocationEntry {
  const newest = issuedBefore === NEVER_AGAIN ? Math.ceil(now + clockTolerance) : issuedBefore;
  return { kind: 'revoke', key: issuer, issuer, issuedBefore: newest, until };
}

function shapeOf(named: readonly (typeof NAMED)[number][]): Shape {
  return named.reduce((shape, name) => shape + SHAPE[name], 0);
}

function entryOf(
  shape: Shape,
  tokens: RevokedTokens,
  named: readonly (typeof NAMED)[number][],
  { issuedBefore, now, maxTokenLifetime }: RevocationTimes,
): RevocationEntry {
  const { issuer } = tokens;
  const values = named.map((name) => tokens[name] ?? '');
  const newest = issuedBefore === NEVER_AGAIN ? now : Math.max(now, issuedBefore);
  return {
    kind: 'revoke',
    key: keyText(tokenKey(shape, issuer, values)),
    issuer: issuerKey(issuer),
    issuedBefore: Math.ceil(issuedBefore),
    until: Math.ceil(newest + maxTokenLifetime + SLACK),
  };
}

/** What stands for an issuer. */
export function issuerKey(issuer: string): string {
  return keyText(tokenKey(0, issuer, []));
}
