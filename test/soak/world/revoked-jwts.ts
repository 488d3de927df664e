import type { Random } from '../random.js';
import { TOKEN_LIFETIME } from '../timing.js';
import type { Authority } from './authority.js';
import { boundTo, type IssuedJwt, mintJwt } from './jwt.js';

/** Tokens of one certificate that are kept of each kind. */
const MOST = 4;
const MOST_CERTIFICATES = 64;

interface Held {
  /** Accepted once, so that the API knows them. */
  readonly known: readonly IssuedJwt[];
  /** The API has acknowledged that they are revoked. */
  readonly revoked: readonly IssuedJwt[];
}

const NONE: Held = { known: [], revoked: [] };

/** Tells an API that tokens are revoked. It resolves once the API has acknowledged that. */
export type Revoke = (jwt: IssuedJwt) => Promise<void>;

/** JWTs that are used, then revoked in the API itself, and used again: by the certificate that they are bound to. */
export class RevokedJwts {
  private readonly held = new Map<string, Held>();

  constructor(
    private readonly authority: Authority,
    private readonly random: Random,
    private readonly revoke: Revoke,
  ) {}

  /** A good token, of which {@link accepted} is told when it was accepted. */
  mint(certificate: { readonly thumbprint: string }): IssuedJwt {
    const { issuer, keys } = this.authority;
    return mintJwt({
      issuer,
      key: keys.settled,
      confirmation: boundTo(certificate),
      lifetime: TOKEN_LIFETIME,
    });
  }

  accepted({ thumbprint }: { readonly thumbprint: string }, jwt: IssuedJwt): void {
    const { known, revoked } = this.of(thumbprint);
    this.keep(thumbprint, { known: [...known, jwt].slice(-MOST), revoked });
  }

  /** A revoked token: one of those that are known, which is revoked now, or one that was revoked before. */
  async anyRevoked({ thumbprint }: { readonly thumbprint: string }): Promise<IssuedJwt | undefined> {
    const { known, revoked } = this.of(thumbprint);
    const [next, ...others] = known;
    if (next === undefined) return this.random.pick(revoked);
    this.keep(thumbprint, { known: others, revoked });
    await this.revoke(next);
    const now = this.of(thumbprint);
    this.keep(thumbprint, { known: now.known, revoked: [...now.revoked, next].slice(-MOST) });
    return next;
  }

  private of(thumbprint: string): Held {
    return this.held.get(thumbprint) ?? NONE;
  }

  private keep(thumbprint: string, held: Held): void {
    this.held.delete(thumbprint);
    this.held.set(thumbprint, held);
    for (const first of this.held.keys()) {
      if (this.held.size <= MOST_CERTIFICATES) return;
      this.held.delete(first);
    }
  }
}
