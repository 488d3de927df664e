import { type KeyObject, KeyObject as Key, randomBytes, sign, webcrypto } from 'node:crypto';
import * as x509 from '@peculiar/x509';

const DAY = 86_400_000;
const EC = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const;
/** Octets of a serial number, as CAs have them. */
const SERIAL_OCTETS = 16;

/** A CA that issues revocation lists of any length. */
export class ListIssuer {
  private constructor(
    /** Its certificate, PEM. */
    readonly cert: string,
    private readonly name: Buffer,
    private readonly key: KeyObject,
  ) {}

  static async create(): Promise<ListIssuer> {
    const keys = await webcrypto.subtle.generateKey(EC, true, ['sign', 'verify']);
    const usages = x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign;
    const certificate = await x509.X509CertificateGenerator.createSelfSigned({
      serialNumber: '01',
      name: 'CN=CA of a large list',
      notBefore: new Date(Date.now() - DAY),
      notAfter: new Date(Date.now() + 365 * DAY),
      signingAlgorithm: EC,
      keys,
      extensions: [
        new x509.BasicConstraintsExtension(true, undefined, true),
        new x509.KeyUsagesExtension(usages, true),
      ],
    });
    const name = Buffer.from(certificate.subjectName.toArrayBuffer());
    return new ListIssuer(certificate.toString('pem'), name, Key.from(keys.privateKey));
  }

  /** A list with so many certificates, DER (RFC 5280 §5.1). */
  issue(count: number): Buffer {
    const entries = Array.from({ length: count }, () => entryOf(randomBytes(SERIAL_OCTETS)));
    const content = sequence(
      tlv(0x02, Buffer.from([1])),
      ECDSA_WITH_SHA256,
      this.name,
      time(Date.now() - DAY),
      time(Date.now() + 30 * DAY),
      tlv(0x30, Buffer.concat(entries)),
    );
    const signature = Buffer.concat([Buffer.from([0]), sign('sha256', content, this.key)]);
    return sequence(content, ECDSA_WITH_SHA256, tlv(0x03, signature));
  }
}

/** @param serialNumber made positive, and no shorter than it is */
function entryOf(serialNumber: Buffer): Buffer {
  serialNumber[0] = 0x40 | ((serialNumber[0] ?? 0) & 0x3f);
  return sequence(tlv(0x02, serialNumber), REVOKED_AT);
}

function tlv(tag: number, content: Buffer): Buffer {
  const { length } = content;
  // DER takes as few octets for a length as there can be (X.690 §10.1).
  if (length < 0x80) return Buffer.concat([Buffer.from([tag, length]), content]);
  const octets = length < 0x100 ? 1 : length < 0x1_0000 ? 2 : length < 0x100_0000 ? 3 : 4;
  const header = Buffer.alloc(2 + octets);
  header.set([tag, 0x80 | octets]);
  header.writeUIntBE(length, 2, octets);
  return Buffer.concat([header, content]);
}

function sequence(...parts: readonly Buffer[]): Buffer {
  return tlv(0x30, Buffer.concat(parts));
}

/** `GeneralizedTime`. @param moment milliseconds since the epoch */
function time(moment: number): Buffer {
  const digits = new Date(moment).toISOString().replaceAll(/[-:T]|\.\d+/g, '');
  return tlv(0x18, Buffer.from(digits, 'latin1'));
}

const REVOKED_AT = time(Date.now() - DAY);
/** The `AlgorithmIdentifier` of ecdsa-with-SHA256 (RFC 5758 §3.2). */
const ECDSA_WITH_SHA256 = sequence(tlv(0x06, Buffer.from('2a8648ce3d040302', 'hex')));
