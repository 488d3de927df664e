import type { ClaimNames, ClaimPath } from '../cert-bound-auth.options.js';
import type { SettingsOf } from '../common/settings-of.js';

/** Where scope, client and subject are in the claims of a token. */
export type ClaimNameSettings = SettingsOf<ClaimNames>;

/** What every check of the claims of one authorization server's tokens goes by. */
export interface ClaimContext {
  readonly issuer: string;
  /** The `aud` values of this API. */
  readonly audience: readonly string[];
  /** Seconds. */
  readonly clockTolerance: number;
  readonly names: ClaimNameSettings;
}

/** The claims that must be non-empty strings where they are present. */
export function stringClaims(names: ClaimNameSettings): readonly ClaimPath[] {
  return ['sub', 'jti', names.subject, names.clientId];
}
