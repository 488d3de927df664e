import { hash } from 'node:crypto';
import { LRUCache } from 'lru-cache';
import { certificateOf } from './header/decode-certificates.js';
import type {
  ForwardedCertificate,
  ForwardedCertificateParser,
  ForwardedCertificateResult,
} from './header/forwarded-certificate.js';
import type { ChainVerifier } from './chain/chain-verifier.js';
import { type ClientCertificate, describeX509 } from './client-certificate.js';

/** What a header says; of the certificate all that does not depend on the moment. */
export type ForwardedHeader =
  | Exclude<ForwardedCertificateResult, ForwardedCertificate>
  | {
      readonly kind: 'certificate';
      /** @param chain the certificates behind it that came in another header */
      readonly certificateWith: (chain: readonly Uint8Array[]) => ClientCertificate;
    };

/**
 * Bytes, about, that the values of one header may take once they are read: those of some fifteen thousand clients, with
 * certificates as they usually are.
 */
const MOST_BYTES = 128 * 2 ** 20;
/** Bytes, about, that a certificate takes beside its DER, with all that is kept at it. */
const OVERHEAD = 5_000;

/** A value that was read, and what it says. */
interface ReadValue {
  readonly value: string;
  readonly header: ForwardedHeader;
}

/**
 * Reads the values of a header, and remembers the latest of them. A header stays the same for as long as its client's
 * connection with the proxy: it is read once.
 */
export function forwardedHeaderReader(
  parse: ForwardedCertificateParser,
  verify: ChainVerifier,
): (value: string) => ForwardedHeader {
  const known = new LRUCache<string, ReadValue>({ maxSize: MOST_BYTES });
  return (value) => {
    const piece = pieceOf(value);
    const first = known.get(piece);
    if (first?.value === value) return first.header;
    // Another value has this piece: they are told apart by their digests, which cost more.
    // Stryker disable next-line StringLiteral: a digest tells values apart however it is written
    const key = first === undefined ? piece : hash('sha256', value, 'base64url');
    const before = known.get(key);
    if (before?.value === value) return before.header;
    const header = describe(parse(value), verify);
    // What is in it is copied out of the value: it takes no more than that did, decoded and parsed.
    known.set(key, { value, header }, { size: OVERHEAD + 3 * value.length });
    return header;
  };
}

/**
 * A part of a value by which it is found: of a certificate in PEM or base64 these are bytes of its signature, in which hardly
 * two are alike. It is far cheaper than a digest, and decides nothing: the whole value is compared.
 */
function pieceOf(value: string): string {
  return value.length > LONGEST_PIECE ? value.slice(-PIECE_BEGINS, -PIECE_ENDS) : value;
}

/** Characters before the end of a value: what follows the signature in PEM, in percent-encoding, is not in the piece. */
const PIECE_ENDS = 32;
const PIECE_BEGINS = 72;
const LONGEST_PIECE = 128;

function describe(parsed: ForwardedCertificateResult, verify: ChainVerifier): ForwardedHeader {
  switch (parsed.kind) {
    case 'certificate': {
      const x509 = certificateOf(parsed.der);
      const certificate = describeX509(x509, () => verify(x509, parsed.chain));
      // The same object each time, where it can be: what is found out of it is kept there.
      const certificateWith = (chain: readonly Uint8Array[]): ClientCertificate =>
        chain.length === 0
          ? certificate
          : { ...certificate, chain: () => verify(x509, [...parsed.chain, ...chain]) };
      // Stryker disable next-line StringLiteral: it is asked only whether it is another kind
      return { kind: 'certificate', certificateWith };
    }
    case 'thumbprint': {
      const certificate = describeThumbprint(parsed, verify);
      // Stryker disable next-line StringLiteral: it is asked only whether it is another kind
      return { kind: 'certificate', certificateWith: () => certificate };
    }
    default:
      return parsed;
  }
}

/** The dates that JavaScript can hold, in milliseconds since the epoch. */
const LAST_DATE = 8.64e15;
const FIRST_DATE = -LAST_DATE;

/** Of such a certificate the proxy alone knows its chain, and how long it is valid. */
function describeThumbprint(
  parsed: Extract<ForwardedCertificate, { readonly kind: 'thumbprint' }>,
  verify: ChainVerifier,
): ClientCertificate {
  return {
    identity: { subject: parsed.subject ?? '', subjectAltNames: parsed.subjectAltNames },
    thumbprint: parsed.thumbprint,
    notBefore: FIRST_DATE,
    notAfter: LAST_DATE,
    // Stryker disable next-line ArrayDeclaration: without a certificate there is no chain to look at
    chain: () => verify(undefined, []),
  };
}
