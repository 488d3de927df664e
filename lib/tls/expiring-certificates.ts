import type { Server } from 'node:tls';
import { type Expiring, expiringCertificate } from '../common/expiry-watch.js';
import { firstCertificate, textOfPem } from './key-pair.js';
import { clientTrustOf } from './client-trust.js';

/** What Node's TLS servers keep of their options, and of the last `setSecureContext`. */
interface KeptByNode {
  readonly cert?: unknown;
}

/** The certificates of a server and the CAs of its clients that are in force now; none where it is no TLS server. */
export function expiringCertificates(server: Server): readonly Expiring[] {
  const { cert } = server as KeptByNode;
  const own = [cert].flat().flatMap((part) => firstCertificate(textOfPem(part)) ?? []);
  const cas = clientTrustOf(server).ca.flatMap((pem) => firstCertificate(pem) ?? []);
  return [
    ...own.map((certificate) => expiringCertificate('the certificate of this server', certificate)),
    ...cas.map((certificate) => expiringCertificate('the CA of client certificates', certificate)),
  ];
}
