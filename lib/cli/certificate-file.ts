import { X509Certificate } from 'node:crypto';
import { pemBlocks } from '../tls/pem.js';
import { Misuse } from './misuse.js';
import { readBytes } from './read-file.js';

/** The certificates in a file, PEM or DER: at least one. @throws Misuse when there is none, or the file cannot be read */
export function certificatesIn(file: string): readonly [X509Certificate, ...X509Certificate[]] {
  const bytes = readBytes(file);
  try {
    const [first = bytes, ...others] = pemBlocks(bytes.toString('latin1'), 'CERTIFICATE');
    return [new X509Certificate(first), ...others.map((each) => new X509Certificate(each))];
  } catch {
    throw new Misuse(`${file} holds no certificate, PEM or DER`);
  }
}
