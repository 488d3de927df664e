import type { JsonObject } from '../jose/json-object.js';

/** What a token, or its server, says in the claims that it is. */
export interface TokenWord {
  readonly claim: string;
  /** As it is written. */
  readonly value: string;
  readonly kind: 'access-token' | 'id-token' | 'other';
}

/** Where servers say it: introspection answers, Keycloak, Cognito, ForgeRock, Curity. */
const CLAIMS = ['token_type', 'typ', 'token_use', 'tokenName', 'purpose'] as const;

/** The words that are known, in lower case. What is none of them says nothing. */
const KINDS: ReadonlyMap<string, TokenWord['kind']> = new Map([
  ...(['bearer', 'dpop', 'access', 'access_token', 'at+jwt'] as const).map(
    (word) => [word, 'access-token'] as const,
  ),
  ...(['id', 'id_token'] as const).map((word) => [word, 'id-token'] as const),
  ...(['refresh', 'refresh_token', 'offline'] as const).map((word) => [word, 'other'] as const),
]);

/** What a token says of itself: that it is another one than an access token, where it says both. */
export function wordOf(claims: JsonObject): TokenWord | undefined {
  const words = CLAIMS.flatMap((claim) => readWord(claims, claim));
  return words.find(({ kind }) => kind !== 'access-token') ?? words[0];
}

function readWord(claims: JsonObject, claim: string): readonly TokenWord[] {
  const value = Object.hasOwn(claims, claim) ? claims[claim] : undefined;
  const kind = typeof value === 'string' ? KINDS.get(value.toLowerCase()) : undefined;
  return kind === undefined ? [] : [{ claim, value: value as string, kind }];
}
