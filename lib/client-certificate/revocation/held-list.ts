import type { KeyObject, X509Certificate } from 'node:crypto';
import { LRUCache } from 'lru-cache';
import { andThen, type MaybePromise } from '../../common/maybe-promise.js';
import { caProblem, signerProblem } from '../chain/list-problem.js';
import type { RevocationList } from '../chain/revocation-list.js';

/** CAs of one name with different keys, of which one has signed the list. */
const MOST_CAS = 20;

/** A list in memory, with what is known of who has signed it. */
export class HeldList {
  /** By the digest of a CA's certificate: why it has not signed the list, `undefined` where it has. */
  private readonly problems = new LRUCache<string, { readonly problem: MaybePromise<string | undefined> }>({
    max: MOST_CAS,
  });
  /** Needed until a CA has signed it: it can have tens of megabytes. */
  private der: Buffer | undefined;
  /** The key that has signed it, once that is known: a CA may have several certificates for one key. */
  private key: KeyObject | undefined;

  /** @param name of the file, or the URL */
  constructor(
    readonly name: string,
    readonly list: RevocationList,
    der: Buffer,
  ) {
    this.der = der;
  }

  /** Bytes, about. */
  get size(): number {
    const { bytes, slots } = this.list.revoked;
    return 2_000 + bytes.byteLength + slots.byteLength + (this.der?.length ?? 0);
  }

  /** Why it is not signed by this CA; `undefined` where it is. The signature is verified once. */
  problemWith(ca: X509Certificate): MaybePromise<string | undefined> {
    const known = this.problems.get(ca.fingerprint256);
    if (known !== undefined) return known.problem;
    const { der } = this;
    if (der === undefined) return this.otherProblem(ca);
    const pending = signerProblem(der, this.list, ca).then((problem) => {
      this.problems.set(ca.fingerprint256, { problem });
      if (problem === undefined) {
        this.der = undefined;
        this.key = ca.publicKey;
      }
      return problem;
    });
    this.problems.set(ca.fingerprint256, { problem: pending });
    return pending;
  }

  /** Why it is not signed by this CA, once it is known by which key it is. */
  private otherProblem(ca: X509Certificate): string | undefined {
    if (this.key?.equals(ca.publicKey) === true) return caProblem(this.list, ca);
    return 'it is signed by another CA of this name';
  }

  /** Whether this CA has signed it. */
  isSignedBy(ca: X509Certificate): MaybePromise<boolean> {
    return andThen(this.problemWith(ca), (problem) => problem === undefined);
  }
}
