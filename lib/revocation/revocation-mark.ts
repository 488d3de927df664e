import type { RevocationEntry } from '../cert-bound-auth.options.js';
import { issuerKey } from './revocation-entry.js';
import { keyText, MARK, readKey, type TokenKey, tokenKey } from './token-key.js';

/** A moment that all instances learn of with what is revoked. It refuses nothing. */
export class RevocationMark {
  readonly key: TokenKey;

  /** @param name what tells it from others of the same issuer */
  constructor(
    private readonly issuer: string,
    name: readonly string[],
  ) {
    this.key = tokenKey(MARK, issuer, name);
  }

  /** The entry that moves it to this moment. @param at and until are seconds since the epoch */
  entryAt(at: number, until: number): RevocationEntry {
    return {
      // What is no more than that is left out where there is no room.
      kind: 'lift',
      key: keyText(this.key),
      issuer: issuerKey(this.issuer),
      issuedBefore: Math.floor(at),
      until: Math.ceil(until),
    };
  }
}

/** Whether an entry is nothing but a moment. */
export function isMark({ key, issuer }: RevocationEntry): boolean {
  return key !== issuer && readKey(key).shape === MARK;
}
