import type { X509Certificate } from 'node:crypto';
import { fieldsOf } from './certificate-fields.js';
import { issuerProblem } from './certification-path.js';
import { isCa, isListSigner, isTrustedCa } from './may-issue.js';

/** The certificate of a CA, with all of it that does not depend on the moment. */
export interface Authority {
  readonly certificate: X509Certificate;
  readonly isTrusted: boolean;
  readonly problem: string | undefined;
  /** Which certificates it has signed, as far as that was asked: of two CAs it is found out once. */
  readonly signed: WeakMap<X509Certificate, boolean>;
}

export type BySubject = ReadonlyMap<string, readonly Authority[]>;

/** Those that are of CAs at all. */
export function readAuthority(certificate: X509Certificate, isTrusted: boolean): readonly Authority[] {
  try {
    if (isTrusted ? !isTrustedCa(certificate) : !isCa(certificate)) return [];
    return [
      { certificate, isTrusted, problem: issuerProblem(certificate, isTrusted), signed: new WeakMap() },
    ];
  } catch {
    return [];
  }
}

/** Those that say that they are for lists, and are no CA's. */
export function readListSigner(certificate: X509Certificate): readonly Authority[] {
  try {
    if (isCa(certificate) || !isListSigner(certificate)) return [];
    const problem = issuerProblem(certificate, false);
    return [{ certificate, isTrusted: false, problem, signed: new WeakMap() }];
  } catch {
    return [];
  }
}

/** The trusted ones first, each certificate once. */
export function bySubject(authorities: readonly Authority[]): BySubject {
  const found = new Map<string, Authority[]>();
  const seen = new Set<string>();
  for (const authority of authorities) {
    const { fingerprint256 } = authority.certificate;
    if (seen.has(fingerprint256)) continue;
    seen.add(fingerprint256);
    const { subject } = fieldsOf(authority.certificate);
    const others = found.get(subject);
    if (others === undefined) found.set(subject, [authority]);
    else others.push(authority);
  }
  return found;
}
