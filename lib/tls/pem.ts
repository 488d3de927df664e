/** PEM text or its bytes, or several. */
type Pem = string | Uint8Array | readonly (string | Uint8Array)[];

/**
 * The PEM blocks with this label, each by itself (RFC 7468): Node ignores what is not PEM in `ca`, and all but the
 * first block in `crl`.
 * @throws Error when one is cut off
 */
export function pemBlocks(text: string, label: 'CERTIFICATE' | 'X509 CRL'): readonly string[] {
  const begin = `-----BEGIN ${label}-----`;
  const blocks = text.match(new RegExp(`${begin}[^-]*-----END ${label}-----`, 'g')) ?? [];
  if (blocks.length !== text.split(begin).length - 1) throw new Error(`a ${label} is cut off`);
  return blocks.map((block) => `${block}\n`);
}

/** The text of what Node takes as PEM. */
export function pemText(pem: Pem | undefined): string {
  if (pem === undefined) return '';
  if (typeof pem === 'string') return pem;
  return pem instanceof Uint8Array ? Buffer.from(pem).toString('latin1') : pem.map(pemText).join('\n');
}
