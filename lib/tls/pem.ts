/** PEM text or its bytes, or several. */
type Pem = string | ArrayBufferView | readonly (string | ArrayBufferView)[];

/** OpenSSL reads a certificate under each of these labels (RFC 7468 §5.3 names the old ones). */
const LABELS = { CERTIFICATE: '(?:X509 |TRUSTED )?CERTIFICATE', 'X509 CRL': 'X509 CRL' } as const;

/**
 * The PEM blocks with this label, each by itself (RFC 7468): Node ignores what is not PEM in `ca`, and all but the
 * first block in `crl`.
 * @throws Error when one is cut off
 */
export function pemBlocks(text: string, label: keyof typeof LABELS): readonly string[] {
  const name = LABELS[label];
  const begun = text.match(new RegExp(`-----BEGIN ${name}-----`, 'g')) ?? [];
  const blocks = text.match(new RegExp(`-----BEGIN ${name}-----[^-]*-----END ${name}-----`, 'g')) ?? [];
  if (blocks.length !== begun.length) throw new Error(`a ${label} is cut off`);
  return blocks.map((block) => `${block}\n`);
}

/** The text of what Node takes as PEM. */
export function pemText(pem: Pem | undefined): string {
  if (pem === undefined) return '';
  if (typeof pem === 'string') return pem;
  if (!ArrayBuffer.isView(pem)) return pem.map(pemText).join('\n');
  return Buffer.from(pem.buffer, pem.byteOffset, pem.byteLength).toString('latin1');
}
