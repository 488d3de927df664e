import { X509Certificate } from 'node:crypto';
import { chainVerdictOf } from '../../client-certificate/chain/chain-verdict.js';
import { type ClientCertificateFinding, describeX509 } from '../../client-certificate/client-certificate.js';
import { pemBlocks } from '../../tls/pem.js';

const NONE: ClientCertificateFinding = {
  kind: 'none',
  reason: 'certificate_missing',
  detail: 'whoever stands in has none',
};

/** The certificate of who stands in for a caller, with a chain that counts as verified. @throws Error for what is no PEM */
export function standInCertificate(chain = ''): ClientCertificateFinding {
  const path = pemBlocks(chain, 'CERTIFICATE').map((pem) => new X509Certificate(pem));
  const [leaf] = path;
  if (leaf === undefined) return NONE;
  const verdict = chainVerdictOf({ kind: 'valid', path, until: Infinity });
  return { kind: 'found', certificate: describeX509(leaf, () => verdict) };
}
