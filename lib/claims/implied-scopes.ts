/** By a scope, all scopes that it stands for as well, those that they stand for included. */
export type ImpliedScopes = ReadonlyMap<string, readonly string[]>;

/** Works out what each scope stands for, once. A circle makes its scopes stand for one another. */
export function impliedScopesOf(said: Readonly<Record<string, readonly string[]>>): ImpliedScopes {
  const own = new Map(Object.entries(said));
  return new Map([...own.keys()].map((scope) => [scope, reachedFrom(scope, own)]));
}

function reachedFrom(scope: string, own: ReadonlyMap<string, readonly string[]>): readonly string[] {
  const reached = new Set(own.get(scope));
  // A set also gives what is added while it is read.
  for (const each of reached) for (const next of own.get(each) ?? []) reached.add(next);
  return [...reached];
}

/** The scopes of a token, with what they stand for: the same set where that is nothing more. */
export function withImplied(scopes: ReadonlySet<string>, implied: ImpliedScopes): ReadonlySet<string> {
  if (implied.size === 0) return scopes;
  return new Set([...scopes, ...[...scopes].flatMap((scope) => implied.get(scope) ?? [])]);
}
