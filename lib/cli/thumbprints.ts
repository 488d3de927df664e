import { certificateThumbprint } from '../client-certificate/certificate-thumbprint.js';
import { certificatesIn } from './certificate-file.js';

/**
 * The `x5t#S256` of each certificate in a file, PEM or DER.
 * @throws Misuse when there is none
 * @see RFC 8705 §3.1
 */
export function thumbprintsIn(file: string): readonly string[] {
  return certificatesIn(file).map(({ raw }) => certificateThumbprint(raw));
}
