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

type Revocable = { isRevoked(): boolean } | undefined;

/** How soon it is looked who has to end after something was revoked, in milliseconds: for many revocations together. */
const LOOK_MS = 200;

/** The end of an access token, for what may outlive the request that it was accepted with. */
export class TokenEnd {
  constructor(
    /** Milliseconds since the epoch. */
    readonly validUntil: number,
    /** SHA-256 of the token, base64url; `undefined` for a stand-in's. */
    readonly digest: string | undefined,
    private readonly revocations: RevocationWatch,
    /** Whether it has been revoked, before anybody has shown it since; `undefined` where it cannot be. */
    private readonly revocable?: Revocable,
  ) {}

  /** Whether it has been revoked before its time. */
  isRevoked(): boolean {
    return this.revocable?.isRevoked() === true;
  }

  /** Calls `act` once: when the token expires, or as soon as it is known to be revoked. @returns what takes it back */
  whenOver(act: (ended: TokenEnded) => void): () => void {
    const over = (ended: TokenEnded): void => {
      takeBack();
      act(ended);
    };
    const stopTimer = atTime(this.validUntil, () => over('expired'));
    const stopWatch = this.revocations.watch(this.digest, () => over('revoked'), this.revocable);
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
  private readonly revocable = new Map<() => void, NonNullable<Revocable>>();
  private timer: NodeJS.Timeout | undefined;

  /**
   * @param digest SHA-256 of the token, base64url
   * @param revocable says whether it has been revoked before its time
   * @returns what takes it back
   */
  watch(digest: string | undefined, act: () => void, revocable?: Revocable): () => void {
    if (digest === undefined) return () => undefined;
    const acts = this.watching.get(digest) ?? new Set();
    this.watching.set(digest, acts.add(act));
    if (revocable !== undefined) this.lookAfter(act, revocable);
    return () => {
      acts.delete(act);
      this.revocable.delete(act);
      if (acts.size === 0 && this.watching.get(digest) === acts) this.watching.delete(digest);
    };
  }

  /** Looks within a moment whose token has been revoked, and tells them. */
  lookSoon(): void {
    if (this.revocable.size === 0) return;
    this.timer ??= setTimeout(() => {
      this.timer = undefined;
      for (const [act, revocable] of this.revocable) if (revocable.isRevoked()) act();
    }, LOOK_MS).unref();
  }

  /** It may have been revoked since it was accepted. */
  private lookAfter(act: () => void, revocable: NonNullable<Revocable>): void {
    this.revocable.set(act, revocable);
    if (revocable.isRevoked()) this.lookSoon();
  }

  /** Tells all who watch this token. */
  revoked(digest: string): void {
    const acts = this.watching.get(digest);
    this.watching.delete(digest);
    for (const act of acts ?? []) act();
  }
}
