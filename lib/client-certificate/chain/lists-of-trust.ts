import { X509Certificate } from 'node:crypto';
import type { ClientTrust } from '../../tls/client-trust.js';
import { issuersOfLists } from './configured-cas.js';
import { missingListProblem } from './missing-list.js';

/** Says which CA of a server has no revocation list, where it has lists at all: OpenSSL then refuses everybody below that CA. */
export function listsProblem(trust: ClientTrust): string | undefined {
  return trust.crl.length === 0
    ? undefined
    : missingListProblem(certificatesOf(trust), issuersOfLists(trust));
}

/** The CAs that can be read: the others vouch for nobody. */
export function certificatesOf({ ca }: Pick<ClientTrust, 'ca'>): readonly X509Certificate[] {
  return ca.flatMap((pem) => {
    try {
      return [new X509Certificate(pem)];
    } catch {
      return [];
    }
  });
}
