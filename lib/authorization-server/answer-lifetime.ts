/** What a server's answer says of how long it may be used again (RFC 9111). */
export interface AnswerAge {
  /** `Cache-Control`; empty without one. */
  readonly cacheControl: string;
  /** `Age`: the seconds that a cache on the way has kept it; empty without one. */
  readonly age: string;
}

/**
 * How long the server lets its answer be used again, in seconds; `undefined` where it says nothing of that. `no-store` and
 * `no-cache`, which servers say of everything they send (oidc-provider, Spring, Keycloak), are no more than the usual: an app
 * that sets `cache` has decided otherwise, and then what stands beside them says nothing either.
 * @see RFC 9111 §4.2.1, §5.2.2
 */
export function answerLifetime({ cacheControl, age }: AnswerAge): number | undefined {
  const directives = cacheControl.split(',').map((text) => text.trim().toLowerCase());
  if (directives.some((text) => /^no-(?:store|cache)(?:=|$)/.test(text))) return undefined;
  const limits = directives.flatMap((text) => {
    const [name, seconds = ''] = text.split('=');
    return name === 'max-age' || name === 's-maxage' ? [secondsOf(seconds) ?? 0] : [];
  });
  if (limits.length === 0) return undefined;
  return Math.max(0, Math.min(...limits) - (secondsOf(age) ?? 0));
}

function secondsOf(text: string): number | undefined {
  const digits = /^\s*"?(\d{1,10})"?\s*$/.exec(text)?.[1];
  return digits === undefined ? undefined : Number(digits);
}
