/** What the standards say of a request: it must be refused, or it may be accepted, as bound by these. */
export type Verdict =
  | { readonly verdict: 'must-refuse'; readonly why: string }
  | {
      readonly verdict: 'may-accept';
      readonly issuer: string;
      readonly boundBy: readonly ('certificate' | 'dpop')[];
      readonly claims: Members;
    };

/** The members of a JSON object by their names: nothing is inherited, the last of several counts (RFC 7515 §4). */
export type Members = ReadonlyMap<string, unknown>;

/** Says that a request must be refused. */
export class MustRefuse extends Error {}

/** @throws MustRefuse where a condition of a standard does not hold */
export function must(condition: boolean, why: string): asserts condition {
  if (!condition) throw new MustRefuse(why);
}

/** The members of a JSON object; `undefined` for what is none. */
export function membersOf(value: unknown): Members | undefined {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined;
  return new Map<string, unknown>(Object.entries(value));
}

/** A member that is a string; empty for anything else, which no rule accepts. */
export function textOf(members: Members, name: string): string {
  const value = members.get(name);
  return typeof value === 'string' ? value : '';
}
