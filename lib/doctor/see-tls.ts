import type { X509Certificate } from 'node:crypto';
import { connect, type ConnectionOptions } from 'node:tls';
import { onOneLine } from '../common/on-one-line.js';
import { quoted } from '../common/quoted.js';
import { expiryOf } from './expiry.js';
import { note, ok, problem, type Seen } from './finding.js';
import { placeOf } from './place.js';

/** What a server is looked at with. */
export interface TlsLook {
  /** As Node takes it. @default the CAs of Node */
  readonly ca: ConnectionOptions['ca'];
  /** Where its CA is to be given, for people. */
  readonly caOption: string;
  readonly signal: AbortSignal;
}

/** Whose certificate a server has, who issued it, and until when it is good. Nothing is sent to the server. */
export async function seeTls(url: URL, look: TlsLook): Promise<readonly Seen[]> {
  const { certificate, fault, protocol } = await handshake(url, look);
  const whose = `${quoted(onOneLine(certificate.subject))}, issued by ${quoted(onOneLine(certificate.issuer))}`;
  if (fault !== undefined) return [problem(`${whose}: ${fault}`, remedyFor(fault, certificate, look))];
  const expiry = expiryOf(certificate);
  const seen = ok(`${protocol}, ${whose}, until ${until(certificate)}`);
  return expiry === undefined ? [seen] : [seen, note(expiry, 'Renew it in time.')];
}

interface Handshake {
  readonly certificate: X509Certificate;
  /** Why the certificate is not trusted. */
  readonly fault: string | undefined;
  readonly protocol: string;
}

async function handshake(url: URL, { ca, signal }: TlsLook): Promise<Handshake> {
  return new Promise((resolve, reject) => {
    const socket = connect({
      ...placeOf(url, 443),
      ...(ca === undefined ? {} : { ca }),
      // Its certificate is looked at, and the connection is ended: nothing goes over it.
      rejectUnauthorized: false,
    });
    const end = (): unknown => socket.destroy(new Error('the handshake did not end in time'));
    signal.addEventListener('abort', end);
    socket.once('error', reject);
    socket.once('secureConnect', () => {
      // Who speaks TLS here has one.
      const certificate = socket.getPeerX509Certificate() as X509Certificate;
      // A code, against its type; null where there is no fault.
      const fault = socket.authorizationError as unknown as string | null;
      const protocol = String(socket.getProtocol());
      socket.removeListener('error', reject);
      socket.on('error', () => undefined);
      socket.destroy();
      signal.removeEventListener('abort', end);
      resolve({ certificate, fault: fault ?? undefined, protocol });
    });
  });
}

function until(certificate: X509Certificate): string {
  return new Date(certificate.validTo).toISOString();
}

function remedyFor(fault: string, certificate: X509Certificate, { caOption }: TlsLook): string {
  switch (fault) {
    case 'CERT_HAS_EXPIRED':
      return `Renew it: it was valid until ${until(certificate)}.`;
    case 'CERT_NOT_YET_VALID':
      return `Set the clocks: it is valid from ${new Date(certificate.validFrom).toISOString()}.`;
    case 'ERR_TLS_CERT_ALTNAME_INVALID':
      return `It is for ${quoted(certificate.subjectAltName)}: call one of these names, or have it issued for this one.`;
    default:
      return `Give the CA that has issued it in ${caOption}, the root of its tree; and have the server send the CAs between the two.`;
  }
}
