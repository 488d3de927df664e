import type { KeyObject } from 'node:crypto';
import type { JWK } from 'jose';
import type { SignatureAlgorithm } from '../jose/jws-signature.js';
import { isJsonObject } from '../jose/json-object.js';
import { hasSecretMember } from '../jose/key-fitness.js';
import { candidate, candidatesAmong, type KeyCandidates } from './key-candidates.js';

/**
 * The keys that a token may have been signed with, by its `kid`. Where they have been published again unchanged, they
 * are the same object.
 */
export interface KeyGroup {
  /** Those that may have signed by an algorithm. */
  keysFor(algorithm: SignatureAlgorithm): KeyCandidates;
  /** Whether the server has changed or withdrawn one of them since. */
  withdrawn: boolean;
}

/** The public keys of one server, as published at one moment. */
export interface KeySet {
  /** The keys with this `kid`; all keys for a token that names none, and none for one whose `kid` is no text. */
  groupFor(kid: unknown): KeyGroup | undefined;
}

/** A key that is the only one, whatever a token names. */
export function singleKey(key: KeyObject): KeySet {
  const group: KeyGroup = {
    keysFor: (algorithm) => candidate(key, algorithm),
    withdrawn: false,
  };
  return { groupFor: () => group };
}

/** Keys that have been published, imported once for each algorithm. */
class PublishedGroup implements KeyGroup {
  withdrawn = false;
  /** The keys as text, to tell whether they have changed. */
  readonly content: string;
  private readonly candidates = new Map<SignatureAlgorithm, KeyCandidates>();

  constructor(private readonly keys: readonly JWK[]) {
    this.content = keys
      .map((key) => JSON.stringify(key))
      .toSorted()
      .join();
  }

  keysFor(algorithm: SignatureAlgorithm): KeyCandidates {
    const known = this.candidates.get(algorithm);
    if (known !== undefined) return known;
    const found = candidatesAmong(this.keys, algorithm);
    this.candidates.set(algorithm, found);
    return found;
  }
}

/** Keys that a server has published, or the configuration holds. */
export class PublishedKeys implements KeySet {
  private constructor(
    private readonly byKid: ReadonlyMap<string, PublishedGroup>,
    private readonly all: PublishedGroup,
  ) {}

  /** @param members of a JWK Set: those that are no public keys are left out, so that they hide no others */
  static from(members: readonly JWK[]): PublishedKeys {
    const keys = members.filter((key) => isPublicSigningKey(key));
    const byKid = new Map([...groupByKid(keys)].map(([kid, group]) => [kid, new PublishedGroup(group)]));
    return new PublishedKeys(byKid, new PublishedGroup(keys));
  }

  groupFor(kid: unknown): KeyGroup | undefined {
    return kid === undefined ? this.all : this.byKid.get(kid as string);
  }

  /**
   * These keys in the place of older ones: what has not changed stays the same object, what has is withdrawn.
   * @returns the older ones themselves where nothing has changed
   */
  replacing(older: PublishedKeys | undefined): PublishedKeys {
    if (older === undefined) return this;
    if (older.all.content === this.all.content) return older;
    const byKid = new Map(
      [...this.byKid].map(([kid, group]) => [kid, unchanged(group, older.byKid.get(kid)) ?? group]),
    );
    for (const [kid, group] of older.byKid) group.withdrawn = byKid.get(kid) !== group;
    older.all.withdrawn = true;
    return new PublishedKeys(byKid, this.all);
  }
}

function unchanged(group: PublishedGroup, older: PublishedGroup | undefined): PublishedGroup | undefined {
  return older?.content === group.content ? older : undefined;
}

function groupByKid(keys: readonly JWK[]): ReadonlyMap<string, readonly JWK[]> {
  const groups = new Map<string, JWK[]>();
  for (const key of keys) {
    if (typeof key.kid !== 'string') continue;
    const group = groups.get(key.kid);
    if (group === undefined) groups.set(key.kid, [key]);
    else group.push(key);
  }
  return groups;
}

/** Private and symmetric keys do not belong into a JWK Set; one that is there must not hide the others. */
export function isPublicSigningKey(key: unknown): boolean {
  return (
    isJsonObject(key) &&
    (key['kty'] === 'RSA' || key['kty'] === 'EC' || key['kty'] === 'OKP') &&
    !hasSecretMember(key)
  );
}
