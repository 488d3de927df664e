import type { X509Certificate } from 'node:crypto';
import { onOneLine } from '../common/on-one-line.js';
import { quoted, quotedList } from '../common/quoted.js';
import { type CertificateRequest, namesIssuerOf, textOfName } from './certificate-request.js';
import { expiryOf } from './expiry.js';
import { note, notChecked, ok, problem, type Seen } from './finding.js';

/**
 * Whether a certificate of ours is good, and whether a server asks for it.
 * @param remedy for a server that does not ask
 */
export function seeClientCertificate(
  certificate: X509Certificate,
  request: CertificateRequest,
  remedy: string,
): readonly Seen[] {
  return [seeOwn(certificate), seeRequest(certificate, request, remedy)];
}

/** Its dates, and who issued it. */
export function seeOwn(certificate: X509Certificate, now = Date.now()): Seen {
  const whose = `${quoted(onOneLine(certificate.subject))}, issued by ${quoted(onOneLine(certificate.issuer))}`;
  if (now > Date.parse(certificate.validTo))
    return problem(
      `${whose} has expired at ${certificate.validTo}`,
      'Renew it, and get a new token: it is bound to the old one.',
    );
  if (now < Date.parse(certificate.validFrom))
    return problem(`${whose} is valid from ${certificate.validFrom}`, 'Set the clocks.');
  const expiry = expiryOf(certificate);
  return expiry === undefined
    ? ok(`${whose}, until ${new Date(certificate.validTo).toISOString()}`)
    : note(`${whose}: ${expiry}`, 'Renew it in time.');
}

/** Whether a server asks for a certificate, and whether it names the CA that has issued this one. */
export function seeRequest(
  certificate: X509Certificate | undefined,
  request: CertificateRequest,
  remedy: string,
): Seen {
  switch (request.kind) {
    case 'unseen':
      return notChecked('the server speaks no TLS 1.2, in which its question could be read');
    case 'not-asked':
      return problem('the server does not ask for a client certificate', remedy);
    case 'asked': {
      const { authorities } = request;
      const names = quotedList(authorities.map(textOfName));
      if (authorities.length === 0) return ok('the server asks for a client certificate, of any CA');
      if (certificate === undefined || namesIssuerOf(certificate, authorities))
        return ok(`the server asks for a client certificate of ${names}`);
      return note(
        `the server asks for a client certificate of ${names}; ours is issued by ${quoted(onOneLine(certificate.issuer))}`,
        'Use a certificate of one of these CAs, or add the CA to mutualTls({ ca }). With CAs between the two, send them with the certificate.',
      );
    }
  }
}
