import type { StatusListOptions } from '../cert-bound-auth.options.js';
import type { SettingsOf } from '../common/settings-of.js';
import type { SignatureAlgorithm } from '../jose/jws-signature.js';

/** How the status lists of one server are used, as configured. */
export type StatusListSettings = SettingsOf<StatusListOptions, 'origins'>;

/** How the status lists of one server are used. */
export interface StatusListRules {
  readonly issuer: string;
  /** Where lists may be: nothing in a token makes this API call anybody else. */
  readonly origins: ReadonlySet<string>;
  readonly algorithms: readonly SignatureAlgorithm[];
  /** Seconds. */
  readonly clockTolerance: number;
  /** Seconds. */
  readonly maxAge: number;
  /** Seconds. */
  readonly staleIfError: number;
  /** Bytes of a list that is unpacked. */
  readonly maxSize: number;
}

/** Works out once how the lists of a server are used; without `origins` they are where the server is. */
export function statusListRulesOf(
  { origins, maxAge, staleIfError, maxSize }: StatusListSettings,
  issuer: string,
  algorithms: readonly SignatureAlgorithm[],
  clockTolerance: number,
): StatusListRules {
  return {
    issuer,
    origins: new Set(origins ?? originOf(issuer)),
    algorithms,
    clockTolerance,
    maxAge,
    staleIfError,
    maxSize,
  };
}

/** An issuer need not be a URL; one of a scheme without hosts has the origin `null`. */
function originOf(issuer: string): readonly string[] {
  const origin = URL.canParse(issuer) ? new URL(issuer).origin : 'null';
  return origin === 'null' ? [] : [origin];
}
