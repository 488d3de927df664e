import type { X509Certificate } from 'node:crypto';
import { messageOf } from '../../common/message-of.js';
import { fieldsOf } from './certificate-fields.js';
import {
  endOfPath,
  isValidAt,
  leafProblem,
  type ListSigner,
  type ListSigners,
  mayStandAbove,
  nameOf,
  type PathVerdict,
  wholeProblem,
} from './certification-path.js';
import { type Authority, type BySubject, bySubject, readAuthority, readListSigner } from './authorities.js';
import { isSelfIssued } from './may-issue.js';

/** The client's certificate first, that of the trusted CA last. */
export type Path = readonly [X509Certificate, ...X509Certificate[]];

/** A path, or why there is none. */
export type FoundPath =
  | { readonly kind: 'path'; readonly path: Path }
  | { readonly kind: 'invalid'; readonly error: string }
  /** No CA that is known here has issued it, or one above it. */
  | {
      readonly kind: 'none';
      /** The one whose issuer is not known; `undefined` where the path is whole, and ends at a root that is not trusted. */
      readonly missing: X509Certificate | undefined;
    };

/** CAs between a client and a root; OpenSSL has a bound as well. */
const MOST_CAS = 10;
/** Signatures verified at most for one leaf: what a client sends as its chain must not keep this process busy. */
const MOST_SIGNATURES = 30;
/** Certificates of CAs looked at for one leaf, each time that one is. */
const MOST_LOOKS = 3000;

interface Search {
  readonly sent: BySubject;
  readonly now: number;
  signatures: number;
  looks: number;
  /** Why the last way that looked promising led nowhere. */
  error: string | undefined;
  /** Where the last way ended that was only too short. */
  missing: X509Certificate | undefined;
}

function newSearch(sent: BySubject, now: number): Search {
  return { sent, now, signatures: 0, looks: 0, error: undefined, missing: undefined };
}

/**
 * The CAs that an app has configured, read once: they find a path from the certificate of a client to a trusted one, and
 * validate it (RFC 5280 §6). Stricter than that: what cannot be told, or is not supported, is refused.
 */
export class CertificationAuthorities {
  private readonly configured: BySubject;
  /** Keys that sign lists and no certificates. */
  private readonly forLists: BySubject;

  /**
   * @param trusted the CAs where a path may end
   * @param between CAs that may be part of a path; one that can't be read is part of none
   */
  constructor(trusted: readonly X509Certificate[], between: readonly X509Certificate[]) {
    this.configured = bySubject([
      ...trusted.flatMap((certificate) => readAuthority(certificate, true)),
      ...between.flatMap((certificate) => readAuthority(certificate, false)),
    ]);
    this.forLists = bySubject(between.flatMap(readListSigner));
  }

  /**
   * Whose keys may sign the lists of a CA, each with its own path to the same trusted CA (RFC 5280 §6.3.3 (f)): a CA may have several
   * keys, and one for lists alone. None that a client sends is among them. What a list of another key says is `isOfAllKeys`.
   * @param name of the CA, as `nameKey` has it
   * @param now milliseconds since the epoch
   */
  listSignersOf(name: string, anchor: X509Certificate, now: number): readonly ListSigner[] {
    return [false, true].flatMap((isForLists) => {
      const candidates = (isForLists ? this.forLists : this.configured).get(name) ?? [];
      return candidates
        .filter(({ certificate, problem }) => problem === undefined && isValidAt(certificate, now))
        .map(({ certificate }) => this.pathOfSigner(certificate, anchor, now))
        .filter((path) => path !== undefined)
        .filter((path) => path.at(-1)?.raw.equals(anchor.raw) === true)
        .map((path) => ({ path, isForLists }));
    });
  }

  /** A path that has been found, as a verdict. */
  verdictOf(path: Path): Extract<PathVerdict, { readonly kind: 'valid' }> {
    const anchor = path.at(-1) ?? path[0];
    const listSigners: ListSigners = (name, now) => this.listSignersOf(name, anchor, now);
    return { kind: 'valid', path, until: endOfPath(path), listSigners };
  }

  private pathOfSigner(certificate: X509Certificate, anchor: X509Certificate, now: number): Path | undefined {
    if (certificate.raw.equals(anchor.raw)) return [certificate];
    try {
      return this.pathFrom([certificate], newSearch(new Map(), now));
    } catch {
      return undefined;
    }
  }

  /**
   * @param leaf the certificate whose path it is: no other one can take its place
   * @param chain what has come with it, in any order: it can only help to find a path
   * @param now milliseconds since the epoch
   */
  pathOf(leaf: X509Certificate, chain: readonly X509Certificate[], now: number): FoundPath {
    const problem = leafProblem(leaf);
    if (problem !== undefined) return { kind: 'invalid', error: problem };
    if (!isValidAt(leaf, now))
      return { kind: 'invalid', error: 'the certificate has expired, or is not valid yet' };
    const sent = bySubject(chain.flatMap((certificate) => readAuthority(certificate, false)));
    const search = newSearch(sent, now);
    try {
      const path = this.pathFrom([leaf], search);
      if (path !== undefined) return { kind: 'path', path };
      return search.error === undefined
        ? { kind: 'none', missing: search.missing }
        : { kind: 'invalid', error: search.error };
    } catch (error) {
      return { kind: 'invalid', error: messageOf(error) };
    }
  }

  /** @param below from the leaf to the certificate whose issuer is looked for */
  private pathFrom(below: Path, search: Search): Path | undefined {
    const subject = below.at(-1);
    // Stryker disable next-line ConditionalExpression: there is always one
    if (subject === undefined || below.length > MOST_CAS) return undefined;
    const fields = fieldsOf(subject);
    const { issuer: name } = fields;
    // Of a root, and where CAs have signed one another in a circle, the issuer is known.
    let hasIssuer = isSelfIssued(fields) || below.some((certificate) => subject.checkIssued(certificate));
    for (const issuer of [...(this.configured.get(name) ?? []), ...(search.sent.get(name) ?? [])]) {
      if (!hasIssued(issuer, subject, below, search)) continue;
      hasIssuer = true;
      const path = this.continueAt(issuer, below, search);
      if (path !== undefined) return path;
    }
    if (!hasIssuer) search.missing = subject;
    return undefined;
  }

  private continueAt(
    { certificate, isTrusted, problem }: Authority,
    below: Path,
    search: Search,
  ): Path | undefined {
    const path: Path = [...below, certificate];
    const found =
      (isValidAt(certificate, search.now)
        ? undefined
        : `${nameOf(certificate)} has expired, or is not valid yet`) ??
      problem ??
      (mayStandAbove(certificate, below.slice(1))
        ? undefined
        : `${nameOf(certificate)} may not stand so high in a chain`) ??
      (isTrusted ? wholeProblem(path) : undefined);
    if (found !== undefined) {
      search.error = found;
      return undefined;
    }
    return isTrusted ? path : this.pathFrom(path, search);
  }
}

/** Whether one certificate issued another: by names, key identifiers, key usage, and then by the signature. */
function hasIssued(
  { certificate: issuer, signed }: Authority,
  subject: X509Certificate,
  below: Path,
  search: Search,
): boolean {
  search.looks += 1;
  if (search.looks > MOST_LOOKS) throw new Error(TOO_MANY_WAYS);
  if (!subject.checkIssued(issuer)) return false;
  if (below.some(({ raw }) => raw.equals(issuer.raw))) return false;
  const before = signed.get(subject);
  if (before !== undefined) return before;
  search.signatures += 1;
  if (search.signatures > MOST_SIGNATURES) throw new Error(TOO_MANY_WAYS);
  const isSigned = verifies(issuer, subject);
  signed.set(subject, isSigned);
  return isSigned;
}

const TOO_MANY_WAYS = 'the chain has too many ways to be tried';

function verifies(issuer: X509Certificate, subject: X509Certificate): boolean {
  try {
    return subject.verify(issuer.publicKey);
  } catch {
    // There are keys that Node does not know.
    return false;
  }
}
