/** Where claims keep the JWT that says them: of no effect on what a handler sees, copies or serialises. */
const SIGNED_ANSWER = Symbol('signed answer');

interface SignedClaims {
  readonly [SIGNED_ANSWER]?: string | undefined;
}

/** Notes on claims, once, which signed introspection answer they come from; `undefined` for none. */
export function withSignedAnswer<Claims extends object>(claims: Claims, jwt: string | undefined): Claims {
  return Object.defineProperty(claims, SIGNED_ANSWER, { value: jwt });
}

/** The signed introspection answer (RFC 9701) that claims come from, where they do. */
export function signedAnswerOf(claims: object): string | undefined {
  return (claims as SignedClaims)[SIGNED_ANSWER];
}
