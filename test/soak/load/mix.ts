import type { Attempt, Caller, Kind, KnownCaller } from '../kinds/kind.js';
import type { Random } from '../random.js';

/** A request that a lot has fallen on. */
export interface Draw {
  readonly kind: Pick<Kind, 'name' | 'attempt'>;
  readonly caller: Caller;
}

/** Which kinds of requests are drawn. */
export interface MixOptions {
  /** For clients of the CA. */
  readonly known: readonly Kind<KnownCaller>[];
  /** For those without a certificate that is trusted; without any, there are no such visitors. */
  readonly strange: readonly Kind[];
}

/** Draws requests by their shares. */
export class Mix {
  constructor(
    private readonly options: MixOptions,
    readonly random: Random,
  ) {}

  /** Whether those come, too, who have no certificate that is trusted. */
  get strangers(): boolean {
    return this.options.strange.length > 0;
  }

  /** What a caller sends next. */
  async draw(caller: Caller): Promise<Draw & { readonly attempt: Attempt }> {
    for (;;) {
      const kind = this.kindFor(caller);
      const attempt = await kind.attempt(caller);
      if (attempt !== undefined) return { kind, caller, attempt };
    }
  }

  private kindFor(caller: Caller): Kind {
    // A kind for clients is only drawn for clients.
    const kinds = (isKnown(caller) ? this.options.known : this.options.strange) as readonly Kind[];
    let lot = this.random.next() * kinds.reduce((sum, { share }) => sum + share, 0);
    const drawn = kinds.find(({ share }) => (lot -= share) < 0) ?? kinds[0];
    if (drawn === undefined) throw new RangeError('there is nothing to send');
    return drawn;
  }
}

function isKnown(caller: Caller): caller is KnownCaller {
  return caller.client !== undefined;
}
