import { X509Certificate } from 'node:crypto';
import type { CertificateIssuer } from '../../cert-bound-auth.options.js';
import { isPromise } from '../../common/maybe-promise.js';
import type { CertificateOfCaller, ChainOfCaller } from '../../decision.js';
import { nameOf } from '../chain/certification-path.js';
import { casOf, issuerRule } from './issuers.js';

/** Whether one of some CAs stands above a certificate, in a chain that was verified. */
export type IssuedBy = (certificate: CertificateOfCaller) => boolean;

/** Found out once for each certificate, and again when its chain is verified anew. @throws Error where one can't be read */
export function issuedBy(issuers: readonly CertificateIssuer[]): IssuedBy {
  const rules = issuers.map(issuerRule);
  const answers = new WeakMap<
    X509Certificate,
    { readonly verdict: ChainOfCaller; readonly isMet: boolean }
  >();
  return ({ identity, chain }) => {
    const verdict = chain();
    if (!(identity instanceof X509Certificate) || isPromise(verdict) || verdict.kind === 'unverified')
      return false;
    const before = answers.get(identity);
    if (before?.verdict === verdict) return before.isMet;
    const isMet = rules.some((rule) => rule(identity, verdict));
    answers.set(identity, { verdict, isMet });
    return isMet;
  };
}

/** What stands for an issuer in a line of the log. */
export function textOfIssuer(issuer: CertificateIssuer): string {
  if ('dn' in issuer) return issuer.dn;
  if ('spkiSha256' in issuer) return `the key ${issuer.spkiSha256}`;
  return casOf(issuer).map(nameOf).join(' or ');
}
