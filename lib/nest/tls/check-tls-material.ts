import { Server } from 'node:tls';
import { type ConfigurationProblem, problem } from '../../options/configuration-error.js';
import type { CertificateSettings } from '../../client-certificate/certificate-settings.js';
import { certificatesOf, listsProblem } from '../../client-certificate/chain/lists-of-trust.js';
import { filesProblem } from '../../client-certificate/revocation/files-without-list.js';
import { asksForCertificate } from '../../tls/asks-for-certificate.js';
import { type ClientTrust, clientTrustOf } from '../../tls/client-trust.js';
import { expiryProblem, firstCertificate, textOfPem } from '../../tls/key-pair.js';
import { pemBlocks } from '../../tls/pem.js';

/** What Node's TLS servers keep of their options. */
interface KeptByNode {
  readonly ca?: unknown;
  readonly crl?: unknown;
  readonly cert?: unknown;
}

/**
 * Checks what the server of an app was made with, and notes its CAs and revocation lists: what its TLS contexts come to
 * trust beside them later does not count.
 */
export function checkTlsMaterial(
  server: unknown,
  source: CertificateSettings,
): readonly ConfigurationProblem[] {
  if (!(server instanceof Server)) return [];
  clientTrustOf(server);
  const own = checkExpiry(server);
  const trustsCas = source.from === 'tls' && source.trust === 'ca';
  return trustsCas && asksForCertificate(server)
    ? [...own, ...checkTrust(server), ...checkFiles(server, source)]
    : own;
}

function checkTrust(server: Server): readonly ConfigurationProblem[] {
  const { ca, crl } = server as KeptByNode;
  // With a PKCS #12 file too, Node trusts the public CAs unless there is `ca`.
  if (ca === undefined) {
    const remedy = 'without ca, a certificate of any public CA would count: use mutualTls({ key, cert, ca })';
    return [problem('httpsOptions.ca', ca, remedy)];
  }
  const remedy = crl === undefined ? undefined : givenListsProblem(crl, clientTrustOf(server));
  return remedy === undefined ? [] : [problem('httpsOptions.crl', crl, remedy)];
}

function givenListsProblem(crl: unknown, trust: ClientTrust): string | undefined {
  // A list of no lists switches the check off.
  if (trust.crl.length === 0)
    return 'there is no revocation list in it, and nothing would be checked: leave it out, or give PEM';
  const isShared = [crl].flat().some((part) => pemBlocks(textOfPem(part), 'X509 CRL').length > 1);
  if (isShared)
    return (
      'several lists are in one text, of which some versions of Node read the first one only: ' +
      'use mutualTls({ crl }), or give each by itself'
    );
  return listsProblem(trust);
}

function checkFiles(
  server: Server,
  { revocation }: Pick<CertificateSettings, 'revocation'>,
): readonly ConfigurationProblem[] {
  if (revocation === undefined) return [];
  const remedy = filesProblem(certificatesOf(clientTrustOf(server)), revocation);
  const { files } = revocation.crl ?? {};
  return remedy === undefined ? [] : [problem('clientCertificate.revocation.crl.files', files, remedy)];
}

function checkExpiry(server: Server): readonly ConfigurationProblem[] {
  const { cert } = server as KeptByNode;
  const certificates = [cert].flat().map((part) => firstCertificate(textOfPem(part)));
  const found = certificates.map((each) => each && expiryProblem(each)).find((each) => each !== undefined);
  return found === undefined ? [] : [problem('httpsOptions.cert', cert, `it ${found}`)];
}
