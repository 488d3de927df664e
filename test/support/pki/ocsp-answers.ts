import { createHash, type X509Certificate } from 'node:crypto';
import type { RequestListener } from 'node:http';
import { childrenOf, elementAt } from '../../../lib/client-certificate/chain/der.js';
import { extension, identifier, integer, octets, sequence, time, tlv } from './der-writer.js';
import { signed, type Signer, subjectOf } from './revocation-lists.js';

const DAY = 86_400_000;

/** What an answer says; by default that a certificate is good, for a day. */
export interface AnswerSays {
  readonly status?: 'good' | 'revoked' | 'unknown';
  readonly thisUpdate?: number;
  /** `undefined` for none. */
  readonly nextUpdate?: number | undefined;
  /** Hash of the identifiers. @default 'sha1' */
  readonly hash?: 'sha1' | 'sha256';
  /** What is sent beside it. */
  readonly certificates?: readonly X509Certificate[];
  readonly nonce?: Buffer;
  /** How often the certificate is spoken of. @default 1 */
  readonly times?: number;
  readonly singleExtensions?: readonly Buffer[];
}

const HASHES = { sha1: '1.3.14.3.2.26', sha256: '2.16.840.1.101.3.4.2.1' } as const;
const STATUSES = {
  good: tlv(0x80),
  revoked: tlv(0xa1, time(Date.now() - DAY)),
  unknown: tlv(0x82),
} as const;

/** Answers about a certificate of a CA, by whoever signs. */
export function answerAbout(
  certificate: X509Certificate,
  ca: X509Certificate,
  signer: Signer,
  says: AnswerSays = {},
): Buffer {
  const { status = 'good', thisUpdate = Date.now() - 1_000, hash = 'sha1', times = 1 } = says;
  const nextUpdate = 'nextUpdate' in says ? says.nextUpdate : Date.now() + DAY;
  const { singleExtensions = [], certificates = [], nonce } = says;
  const single = sequence(
    certificateId(certificate, ca, hash),
    STATUSES[status],
    time(thisUpdate),
    ...(nextUpdate === undefined ? [] : [tlv(0xa0, time(nextUpdate))]),
    ...(singleExtensions.length === 0 ? [] : [tlv(0xa1, sequence(...singleExtensions))]),
  );
  const content = sequence(
    tlv(0xa1, subjectOf(signer.certificate)),
    time(Date.now()),
    sequence(...Array.from({ length: times }, () => single)),
    ...(nonce === undefined ? [] : [tlv(0xa1, sequence(extension('1.3.6.1.5.5.7.48.1.2', octets(nonce))))]),
  );
  const certs = certificates.length === 0 ? [] : [tlv(0xa0, sequence(...certificates.map(({ raw }) => raw)))];
  return successful(signed(content, signer.key, ...certs));
}

function successful(basic: Buffer): Buffer {
  return sequence(
    tlv(0x0a, Buffer.from([0])),
    tlv(0xa0, sequence(identifier('1.3.6.1.5.5.7.48.1.1'), octets(basic))),
  );
}

/** An answer that is an error: 3 `tryLater`, 6 `unauthorized`. */
export function errorAnswer(status: number): Buffer {
  return sequence(tlv(0x0a, Buffer.from([status])));
}

function certificateId(certificate: X509Certificate, ca: X509Certificate, hash: 'sha1' | 'sha256'): Buffer {
  const digest = (bytes: Buffer): Buffer => octets(createHash(hash).update(bytes).digest());
  const spki = ca.publicKey.export({ type: 'spki', format: 'der' });
  const [, bits] = childrenOf(spki, elementAt(spki, 0));
  const key = spki.subarray((bits?.content ?? 0) + 1, bits?.end);
  return sequence(
    sequence(identifier(HASHES[hash]), tlv(0x05)),
    digest(subjectOf(ca)),
    digest(key),
    integer(certificate.serialNumber.replace(/^(?=[89A-F])/, '00')),
  );
}

const NONCE = Buffer.from('2b0601050507300102', 'hex');

/** Answers each question. @param answer gets the nonce of the question, where it has one */
export function responder(answer: (nonce: Buffer | undefined) => Buffer): RequestListener {
  return (request, response) => {
    const parts: Buffer[] = [];
    request.on('data', (part: Buffer) => parts.push(part));
    request.on('end', () => {
      const question = Buffer.concat(parts);
      const at = question.indexOf(NONCE);
      const value = at === -1 ? undefined : elementAt(question, at + NONCE.length);
      const inner = value === undefined ? undefined : elementAt(question, value.content);
      const nonce = inner === undefined ? undefined : question.subarray(inner.content, inner.end);
      response.setHeader('content-type', 'application/ocsp-response').end(answer(nonce));
    });
  };
}
