import type { Demands } from '../../authorization/demands.js';

/** By what callers come in: `path` for what is no handler of Nest. */
export type EntranceKind = 'http' | 'graphql' | 'gateway' | 'message' | 'path';

/** One way into an app, and what is demanded there. */
export interface Entrance {
  readonly kind: EntranceKind;
  /** What a caller names: `GET /payments`, `Query.accounts`, a message's name or pattern, `/docs/*`. */
  readonly name: string;
  /** `Class.method`; `undefined` where no handler of Nest answers. */
  readonly handler: string | undefined;
  /**
   * `protected`: a valid token, bound to its caller, and all of `demands`.
   * `anonymous`: the same for whoever shows credentials; whoever shows none comes in as well.
   * `public`: credentials are not looked at, because the app says so.
   * `open`: the same, because the app was given `globalGuards: false` and says nothing.
   */
  readonly access: 'protected' | 'anonymous' | 'public' | 'open';
  /** The name of its policy, as `@Policy()` has it; absent where the options of the module itself hold. */
  readonly policy?: string;
  /** Scopes, and how the caller must have proved itself; nothing where the entrance is not protected. */
  readonly demands: Demands;
}
