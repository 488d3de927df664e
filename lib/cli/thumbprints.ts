import { X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { certificateThumbprint } from '../client-certificate/certificate-thumbprint.js';
import { pemBlocks } from '../tls/pem.js';

/**
 * The `x5t#S256` of each certificate in a file, PEM or DER.
 * @throws Error when there is none
 * @see RFC 8705 §3.1
 */
export function thumbprintsIn(file: string): readonly string[] {
  const bytes = readFileSync(file);
  const blocks = pemBlocks(bytes.toString('latin1'), 'CERTIFICATE');
  return (blocks.length > 0 ? blocks : [bytes]).map((certificate) => thumbprintOf(certificate, file));
}

function thumbprintOf(certificate: string | Buffer, file: string): string {
  try {
    return certificateThumbprint(new X509Certificate(certificate).raw);
  } catch (cause) {
    throw new Error(`${file} holds no certificate, PEM or DER`, { cause });
  }
}
