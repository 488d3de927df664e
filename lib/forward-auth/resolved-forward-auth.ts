import type { Demands } from '../authorization/demands.js';
import type { ClaimPath, TrustedProxy } from '../cert-bound-auth.options.js';
import type { ResolvedOptions } from '../options/resolve-options.js';
import type { RevocationListSettings } from '../revocation/revocation-list.js';
import type { SessionSettings } from '../session/session-settings.js';
import { isAuthorization } from './authorization-header.js';
import type { AskingProxy, TokenPlace } from './forward-auth.options.js';
import type { PhantomTokenSettings } from './phantom-token.js';

/** The options with every default filled in and every check done. */
export interface ResolvedForwardAuth {
  /** Without a slash at its end. */
  readonly path: string;
  readonly trustedProxies: readonly TrustedProxy[];
  readonly proxy: AskingProxy;
  /** `undefined` where nothing can be revoked, or where the app says so elsewhere. */
  readonly revocations: RevocationListSettings | undefined;
  /** `undefined` where no cookie stands for a token. */
  readonly session: SessionSettings | undefined;
  readonly policies: ReadonlyMap<string, ResolvedPolicy>;
}

/** One policy. */
export interface ResolvedPolicy {
  readonly name: string;
  readonly options: ResolvedOptions;
  /** Which options of DPoP it has: policies that have them from the same place share nonces and used proofs. */
  readonly dpopOf: object | undefined;
  /** Scopes, and how the caller must have proved itself. */
  readonly demands: Demands;
  /** `undefined` for the `Authorization` header. */
  readonly token: readonly TokenPlace[] | undefined;
  /** Claims by header. */
  readonly credentialHeaders: ReadonlyMap<string, ClaimPath>;
  /** Headers of the other policies, which it sends without a value. */
  readonly otherHeaders: readonly string[];
  readonly phantomToken: PhantomTokenSettings | undefined;
  /** Whether a request that shows no credentials passes as well. */
  readonly allowAnonymous: boolean;
}

/** What a policy's answers have beside the usual headers, and beside those of other policies. */
export function ownHeadersOf({
  credentialHeaders,
  phantomToken,
}: Pick<ResolvedPolicy, 'credentialHeaders' | 'phantomToken'>): readonly string[] {
  const header = phantomToken?.header;
  return [...credentialHeaders.keys(), ...(header === undefined || isAuthorization(header) ? [] : [header])];
}
