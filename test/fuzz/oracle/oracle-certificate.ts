import { createHash, X509Certificate } from 'node:crypto';
import { type Observation, valuesOf } from './observation.js';
import type { CertificatePolicy } from './policy.js';
import { must, MustRefuse } from './verdict.js';

type HeaderPolicy = Extract<CertificatePolicy, { readonly from: 'header' }>;

/** What a peer, or the proxy that speaks for it, says of a certificate. */
interface Claimed {
  readonly der: Buffer;
}

/**
 * Judges that the caller has proved the certificate of a token (RFC 8705 §3).
 * @param expected `cnf["x5t#S256"]`
 * @throws MustRefuse
 */
export function judgeCertificate(seen: Observation, policy: CertificatePolicy, expected: unknown): void {
  const claimed = policy.from === 'tls' ? fromTls(seen, policy.trust) : fromHeader(seen, policy);
  const thumbprint = createHash('sha256').update(claimed.der).digest('base64url');
  must(thumbprint === expected, 'RFC 8705 §3.1: another certificate');
  judgeValidity(claimed.der, seen.now);
}

function fromTls({ certificate }: Observation, trust: 'ca' | 'any'): Claimed {
  must(certificate !== undefined, 'RFC 8705 §3: no certificate');
  must(trust === 'any' || certificate.chainTrusted, 'RFC 8705 §2.1: the chain leads nowhere');
  return certificate;
}

/** What a request says of its caller's certificate, whether or not the token is bound to one. */
export type CertificateWord =
  { readonly kind: 'counts'; readonly der: Buffer } | { readonly kind: 'unreadable' | 'does not count' };

/** Reads it by the same rules. */
export function readCertificate(seen: Observation, policy: CertificatePolicy): CertificateWord {
  if (policy.from === 'header' && isUnreadable(seen, policy)) return { kind: 'unreadable' };
  const certificate = unlessRefused(() => {
    const { der } = policy.from === 'tls' ? fromTls(seen, policy.trust) : fromHeader(seen, policy);
    judgeValidity(der, seen.now);
    return der;
  });
  return certificate === undefined ? { kind: 'does not count' } : { kind: 'counts', der: certificate };
}

/** RFC 9440 §2.2: there is one that is malformed, or there are several. */
function isUnreadable(seen: Observation, { trustedAddress, header, format }: HeaderPolicy): boolean {
  const [value, ...others] = valuesOf(seen, header);
  if (seen.address !== trustedAddress || value === undefined) return false;
  return others.length > 0 || unlessRefused(() => FORMATS[format](value)) === undefined;
}

function unlessRefused<Result>(judge: () => Result): Result | undefined {
  try {
    return judge();
  } catch (error) {
    if (error instanceof MustRefuse) return undefined;
    throw error;
  }
}

/** RFC 5280 §4.1.2.5: on both ends inclusive. */
function judgeValidity(der: Buffer, now: number): void {
  const { from, to } = validityOf(der);
  must(from <= now && now <= to, 'RFC 5280 §6.1.3: not valid now');
}

interface Validity {
  readonly from: number;
  readonly to: number;
}

/** A million inputs have but a few certificates. */
const validities = new WeakMap<Buffer, Validity>();

function validityOf(der: Buffer): Validity {
  const known = validities.get(der);
  if (known !== undefined) return known;
  const { validFrom, validTo } = new X509Certificate(der);
  const validity = { from: Date.parse(validFrom), to: Date.parse(validTo) };
  validities.set(der, validity);
  return validity;
}

/** RFC 9440 §4: only from whom the operator trusts, and once. */
function fromHeader(seen: Observation, policy: HeaderPolicy): Claimed {
  must(seen.address === policy.trustedAddress, 'RFC 9440 §4: from somebody else');
  const values = valuesOf(seen, policy.header);
  must(values.length === 1, 'RFC 9440 §2.2: none, or more than one');
  const claimed = FORMATS[policy.format](values[0] ?? '');
  const { verify, trust } = policy;
  if (verify !== undefined) {
    const verdicts = valuesOf(seen, verify.name);
    must(verdicts.length === 1 && verdicts[0] === verify.value, 'docs/proxies.md: the proxy does not vouch');
  }
  if (trust !== 'proxy') must(isIssuedBy(claimed.der, trust.ca), 'RFC 5280 §6: the chain');
  return claimed;
}

function isIssuedBy(der: Buffer, ca: string): boolean {
  const [leaf, issuer] = [new X509Certificate(der), new X509Certificate(ca)];
  return leaf.checkIssued(issuer) && leaf.verify(issuer.publicKey);
}

const FORMATS: Readonly<Record<HeaderPolicy['format'], (value: string) => Claimed>> = {
  rfc9440: (value) => ({ der: derOf(/^:([^:]*):$/.exec(value)?.[1]) }),
  pem: (value) => ({ der: firstOfPem(percentDecoded(value)) }),
  der: (value) => ({ der: derOf(members(value)[0]) }),
  'single-der': (value) => {
    must(members(value).length === 1, 'docs: one certificate, no comma');
    return { der: derOf(members(value)[0]) };
  },
  xfcc: onlyElement,
};

/** Base64 of DER, joined by commas; Traefik percent-encodes them, HAProxy may put colons or quotes around them. */
function members(value: string): readonly string[] {
  return percentDecoded(value)
    .split(',')
    .map((member) =>
      member
        .trim()
        .replace(/^:(.*):$/s, '$1')
        .replace(/^"(.*)"$/s, '$1'),
    );
}

/** A certificate and nothing before or behind it (RFC 4648 §4: the one alphabet, padding at the end or none). */
function derOf(base64: string | undefined): Buffer {
  must(base64 !== undefined && /^[A-Za-z0-9+/]+={0,2}$/.test(base64), 'RFC 4648 §4: no base64');
  const der = Buffer.from(base64, 'base64');
  must(isWholeCertificate(der), 'X.690: not one certificate in DER');
  return der;
}

function isWholeCertificate(der: Buffer): boolean {
  try {
    return new X509Certificate(der).raw.equals(der);
  } catch {
    return false;
  }
}

/** RFC 7468 §5.1; proxies fold the lines with tabs or spaces. */
function firstOfPem(text: string): Buffer {
  const [, block] = /^\s*-----BEGIN CERTIFICATE-----([^-]*)-----END CERTIFICATE-----/.exec(text) ?? [];
  must(block !== undefined, 'RFC 7468 §5.1: no PEM');
  return derOf(block.replaceAll(/\s/g, ''));
}

function percentDecoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    must(false, 'RFC 3986 §2.1: percent-encoding');
  }
}

/** Envoy: one element with a certificate; commas and semicolons in quotes separate nothing. */
function onlyElement(value: string): Claimed {
  const [element = '', ...others] = splitOutsideQuotes(value, ',');
  must(others.length === 0, 'docs: which of several elements is Envoy’s own cannot be told');
  const pairs = splitOutsideQuotes(element, ';').map((pair) => /^\s*([^=]*)=(.*?)\s*$/s.exec(pair));
  const found = (name: string): string | undefined => {
    const all = pairs.filter((pair) => pair?.[1]?.toLowerCase() === name);
    must(all.length < 2, `Envoy: one ${name}`);
    return all[0]?.[2]?.replace(/^"(.*)"$/s, '$1');
  };
  const [hash, cert, chain] = [found('hash'), found('cert'), found('chain')];
  const text = cert ?? chain;
  must(text !== undefined, 'docs: no certificate in the element');
  must(hash === undefined || /^[0-9a-f]{64}$/i.test(hash), 'Envoy: Hash is SHA-256 in hex');
  const der = firstOfPem(percentDecoded(text));
  const digest = createHash('sha256').update(der).digest('hex');
  must(hash === undefined || hash.toLowerCase() === digest, 'Envoy: Hash is of another certificate');
  return { der };
}

function splitOutsideQuotes(text: string, separator: string): readonly string[] {
  const parts = [''];
  let quoted = false;
  for (let index = 0; index < text.length; index += 1) {
    const character = text.charAt(index);
    const escaped = quoted && character === '\\';
    if (character === '"') quoted = !quoted;
    if (character === separator && !quoted) parts.push('');
    else parts[parts.length - 1] += escaped ? character + text.charAt((index += 1)) : character;
  }
  must(!quoted, 'Envoy: a quote that does not end');
  return parts;
}
