/** The signed answers by what they say: claims that are handed out as an object of their own each time. */
const signedAnswers = new WeakMap<object, string>();

/** Remembers the JWT that claims come from, for as long as these are in use. */
export function rememberSignedAnswer(claims: object, jwt: string): void {
  signedAnswers.set(claims, jwt);
}

/** The signed introspection answer (RFC 9701) that claims come from, where they do. */
export function signedAnswerOf(claims: object): string | undefined {
  return signedAnswers.get(claims);
}
