import 'reflect-metadata';
import { createHash, KeyObject, webcrypto, X509Certificate } from 'node:crypto';
import * as x509 from '@peculiar/x509';
import type { TestCertificate } from 'nestjs-cert-bound-auth/testing';
import type { Signer } from '../../support/pki/revocation-lists.js';

const EC = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const;
export const DAY = 86_400_000;
export const NOW = Date.now();

/** A subject with its keys and its certificate. */
export interface Party {
  readonly keys: webcrypto.CryptoKeyPair;
  readonly name: string;
  /** Where it is not CN and the name. */
  readonly subject?: string | undefined;
  readonly certificate: X509Certificate;
}

/** What a certificate says. */
export interface Says {
  /** @default CN and the name of the party */
  readonly subject?: string;
  readonly issuer?: Party;
  readonly ca?: boolean;
  /** @default true */
  readonly basicConstraints?: boolean;
  readonly pathLength?: number;
  readonly keyUsage?: number;
  readonly extendedKeyUsage?: readonly string[];
  readonly extensions?: readonly x509.Extension[];
  readonly notAfter?: number;
  readonly notBefore?: number;
  readonly keys?: webcrypto.CryptoKeyPair;
  readonly algorithm?: webcrypto.EcKeyGenParams | webcrypto.RsaHashedKeyGenParams;
  readonly hash?: string;
}

let serial = 1;

/** Issues a certificate, by itself unless an issuer is given. */
export async function issue(name: string, says: Says = {}): Promise<Party> {
  const { ca = false, issuer, algorithm = EC } = says;
  const keys = says.keys ?? (await webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify']));
  const signer = issuer ?? { keys, name, subject: says.subject };
  const usage = says.keyUsage ?? (ca ? x509.KeyUsageFlags.keyCertSign : x509.KeyUsageFlags.digitalSignature);
  serial += 1;
  const certificate = await x509.X509CertificateGenerator.create({
    serialNumber: serial.toString(16).padStart(4, '0'),
    subject: says.subject ?? `CN=${name}`,
    issuer: signer.subject ?? `CN=${signer.name}`,
    notBefore: new Date(NOW + (says.notBefore ?? -DAY)),
    notAfter: new Date(NOW + (says.notAfter ?? 10 * DAY)),
    signingAlgorithm: { ...signer.keys.privateKey.algorithm, hash: says.hash ?? 'SHA-256' } as never,
    publicKey: keys.publicKey,
    signingKey: signer.keys.privateKey,
    extensions: [
      ...(says.basicConstraints === false
        ? []
        : [new x509.BasicConstraintsExtension(ca, says.pathLength, true)]),
      new x509.KeyUsagesExtension(usage, true),
      ...(says.extendedKeyUsage === undefined
        ? []
        : [new x509.ExtendedKeyUsageExtension([...says.extendedKeyUsage])]),
      ...(says.extensions ?? []),
      // Without key identifiers any two parties of the same names could be mistaken for one another.
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
      await x509.AuthorityKeyIdentifierExtension.create(signer.keys.publicKey),
    ],
  });
  return {
    keys,
    name,
    subject: says.subject,
    certificate: new X509Certificate(Buffer.from(certificate.rawData)),
  };
}

/** A party as one that signs revocation lists. */
export function signerOf({ certificate, keys }: Party): Signer {
  return { certificate, key: KeyObject.from(keys.privateKey) };
}

/** A party as a client of TLS, with what its tokens are bound to. All but the thumbprint is PEM. */
export function identityOf({
  certificate,
  keys,
}: Party): Pick<TestCertificate, 'key' | 'cert' | 'thumbprint'> {
  return {
    key: String(KeyObject.from(keys.privateKey).export({ type: 'pkcs8', format: 'pem' })),
    cert: certificate.toString(),
    thumbprint: createHash('sha256').update(certificate.raw).digest('base64url'),
  };
}
