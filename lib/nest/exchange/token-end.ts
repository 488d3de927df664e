import { atTime } from '../../common/at-time.js';

/** Why an access token is good no longer, in the words that its holder is told. */
export const TOKEN_ENDED = {
  expired: 'The access token has expired',
  revoked: 'The access token is no longer valid',
} as const;

export type TokenEnded = keyof typeof TOKEN_ENDED;

/** What the sender of messages is told of it, in the shape of Nest's own errors. */
export function toldOfEnd(ended: TokenEnded) {
  return { status: 'error', statusCode: 401, error: 'invalid_token', message: TOKEN_ENDED[ended] } as const;
}

/** The end of an access token, for what may outlive the request that it was accepted with. */
export class TokenEnd {
  constructor(
    /** Milliseconds since the epoch. */
    readonly validUntil: number,
    /** SHA-256 of the token, base64url; `undefined` for a stand-in's. */
    readonly digest: string | undefined,
    private readonly revocations: RevocationWatch,
  ) {}

  /** Calls `act` once: when the token expires, or as soon as it is known to be revoked. @returns what takes it back */
  whenOver(act: (ended: TokenEnded) => void): () => void {
    const over = (ended: TokenEnded): void => {
      takeBack();
      act(ended);
    };
    const stopTimer = atTime(this.validUntil, () => over('expired'));
    const stopWatch = this.revocations.watch(this.digest, () => over('revoked'));
    const takeBack = (): void => {
      stopTimer();
      stopWatch();
    };
    return takeBack;
  }
}

/** Who in an app wants to know that a token has been revoked. */
export class RevocationWatch {
  private readonly watching = new Map<string, Set<() => void>>();

  /** @param digest SHA-256 of the token, base64url @returns what takes it back */
  watch(digest: string | undefined, act: () => void): () => void {
    if (digest === undefined) return () => undefined;
    const acts = this.watching.get(digest) ?? new Set();
    this.watching.set(digest, acts.add(act));
    return () => {
      acts.delete(act);
      if (acts.size === 0 && this.watching.get(digest) === acts) this.watching.delete(digest);
    };
  }

  /** Tells all who watch this token. */
  revoked(digest: string): void {
    const acts = this.watching.get(digest);
    this.watching.delete(digest);
    for (const act of acts ?? []) act();
  }
}
