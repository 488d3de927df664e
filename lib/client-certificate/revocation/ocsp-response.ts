import { X509Certificate } from 'node:crypto';
import type { BasicOCSPResponse, SingleResponse } from '@peculiar/asn1-ocsp';
import { fieldsOf } from '../chain/certificate-fields.js';
import { isValidAt, nameOf } from '../chain/certification-path.js';
import { childrenOf, elementAt } from '../chain/der.js';
import { signatureProblem, signedDerOf } from '../chain/signed-der.js';
import type { CertificateId } from './certificate-id.js';
import { CLOCK_TOLERANCE_MS } from './clock-tolerance.js';
import type { OcspPackage } from './ocsp-package.js';

/** What a responder says of a certificate. */
export interface OcspAnswer {
  readonly status: 'good' | 'revoked' | 'unknown';
  /** Milliseconds since the epoch. */
  readonly thisUpdate: number;
  readonly nextUpdate: number | undefined;
  /** How long it may be believed, likewise. */
  readonly until: number;
}

/** What an answer must be about, and by whom. */
export interface OcspQuestion {
  readonly id: CertificateId;
  /** Which has issued the certificate. */
  readonly ca: X509Certificate;
  readonly nonce: Buffer | undefined;
  /** Milliseconds for which an answer is believed at most. */
  readonly maxAge: number;
}

/**
 * Reads an answer: signed by the CA itself or by a responder of its own, about this certificate, valid now, and with our nonce
 * where it has one.
 * @throws Error saying why it does not count
 */
export async function readOcspResponse(
  der: Buffer,
  question: OcspQuestion,
  now: number,
  loaded: OcspPackage,
): Promise<OcspAnswer> {
  const { ocsp, schema } = loaded;
  const outer = schema.AsnConvert.parse(der, ocsp.OCSPResponse);
  const { responseStatus, responseBytes } = outer;
  if (responseStatus !== ocsp.OCSPResponseStatus.successful || responseBytes === undefined)
    throw new Error(`the responder answered with an error (${String(responseStatus)})`);
  if (responseBytes.responseType !== ocsp.id_pkix_ocsp_basic) throw new Error('it is no basic response');
  const raw = Buffer.from(responseBytes.response.buffer);
  const basic = schema.AsnConvert.parse(raw, ocsp.BasicOCSPResponse);
  await requireSigner(raw, question.ca, now);
  requireNonce(basic, question.nonce, loaded);
  return answerOf(basic, question, now);
}

/** Certificates that come with an answer: one is enough. */
const MOST_CERTIFICATES = 3;

/** @throws Error where neither the CA nor a responder of it has signed the answer */
async function requireSigner(raw: Buffer, ca: X509Certificate, now: number): Promise<void> {
  const signed = signedDerOf(raw);
  const byCa = await signatureProblem(signed, ca.publicKey);
  if (byCa === undefined) return;
  let problem = byCa;
  for (const responder of certificatesIn(raw)) {
    // eslint-disable-next-line no-await-in-loop -- the next one is looked at only when this one has not signed it
    const notSigned = await signatureProblem(signed, responder.publicKey);
    // eslint-disable-next-line no-await-in-loop -- as above
    const found = notSigned ?? (await responderProblem(responder, ca, now));
    if (found === undefined) return;
    problem = found;
  }
  throw new Error(problem);
}

const CERTIFICATES = 0xa0;

/** As they came, for their signatures are over these bytes: `BasicOCSPResponse` has them behind its own signature. */
function certificatesIn(raw: Buffer): readonly X509Certificate[] {
  const explicit = childrenOf(raw, elementAt(raw, 0)).at(3);
  const [list] = explicit?.tag === CERTIFICATES ? childrenOf(raw, explicit) : [];
  const elements = list === undefined ? [] : childrenOf(raw, list);
  return elements
    .slice(0, MOST_CERTIFICATES)
    .map(({ start, end }) => new X509Certificate(raw.subarray(start, end)));
}

const OCSP_SIGNING = '1.3.6.1.5.5.7.3.9';
const NO_CHECK = '1.3.6.1.5.5.7.48.1.5';
const KEY_USAGE = '2.5.29.15';
const DIGITAL_SIGNATURE = 0x80;

/** Why a certificate is not that of a responder that its CA has named (RFC 6960 §4.2.2.2). */
async function responderProblem(
  responder: X509Certificate,
  ca: X509Certificate,
  now: number,
): Promise<string | undefined> {
  const name = `its signer ${nameOf(responder)}`;
  if (!responder.checkIssued(ca) || (await signatureProblem(signedDerOf(responder.raw), ca.publicKey)))
    return `${name} is no responder of this CA`;
  const usages = responder.keyUsage as readonly string[] | undefined;
  if (usages?.includes(OCSP_SIGNING) !== true) return `${name} may not sign answers (extended key usage)`;
  if (!isValidAt(responder, now)) return `${name} has a certificate that is not valid now`;
  const { extensions } = fieldsOf(responder);
  const usage = extensions.get(KEY_USAGE)?.value;
  if (usage !== undefined && ((usage[3] ?? 0) & DIGITAL_SIGNATURE) === 0)
    return `${name} may not sign (key usage)`;
  // Else it could have been revoked itself, and nobody would know.
  return extensions.has(NO_CHECK) ? undefined : `${name} has a certificate without id-pkix-ocsp-nocheck`;
}

/** An answer that was made before need not have one (RFC 5019 §4). @throws Error for another one than ours */
function requireNonce(
  { tbsResponseData }: BasicOCSPResponse,
  nonce: Buffer | undefined,
  { ocsp, schema }: OcspPackage,
): void {
  const extension = tbsResponseData.responseExtensions?.find(
    ({ extnID }) => extnID === ocsp.id_pkix_ocsp_nonce,
  );
  if (nonce === undefined || extension === undefined) return;
  const echoed = schema.AsnConvert.parse(extension.extnValue.buffer, schema.OctetString);
  if (!Buffer.from(echoed.buffer).equals(nonce)) throw new Error('it has another nonce');
}

/** @throws Error where it says nothing of this certificate at this moment */
function answerOf(
  { tbsResponseData }: BasicOCSPResponse,
  { id, maxAge }: OcspQuestion,
  now: number,
): OcspAnswer {
  const about = tbsResponseData.responses.filter((response) => isAbout(response, id));
  if (about.length === 0) throw new Error('it is about another certificate');
  if (about.length > 1) throw new Error('it says two things about the certificate');
  const [response] = about as [SingleResponse];
  if (response.singleExtensions?.some(({ critical }) => critical) === true)
    throw new Error('it has a critical extension that is not supported');
  const thisUpdate = response.thisUpdate.getTime();
  const nextUpdate = response.nextUpdate?.getTime();
  if (!(thisUpdate <= now + CLOCK_TOLERANCE_MS)) throw new Error('it is not valid yet');
  const end = Math.min((nextUpdate ?? Infinity) + CLOCK_TOLERANCE_MS, thisUpdate + maxAge);
  if (!(now <= end)) throw new Error(`it is out of date since ${new Date(end).toISOString()}`);
  return { status: statusOf(response), thisUpdate, nextUpdate, until: end };
}

const HASHES: ReadonlyMap<string, string> = new Map([
  ['1.3.14.3.2.26', 'sha1'],
  ['2.16.840.1.101.3.4.2.1', 'sha256'],
  ['2.16.840.1.101.3.4.2.2', 'sha384'],
  ['2.16.840.1.101.3.4.2.3', 'sha512'],
]);

function isAbout({ certID }: SingleResponse, id: CertificateId): boolean {
  const algorithm = HASHES.get(certID.hashAlgorithm.algorithm);
  return (
    algorithm !== undefined &&
    hexOf(certID.serialNumber) === id.serialNumber &&
    hexOf(certID.issuerNameHash.buffer) === id.issuerNameHash(algorithm) &&
    hexOf(certID.issuerKeyHash.buffer) === id.issuerKeyHash(algorithm)
  );
}

function hexOf(bytes: ArrayBuffer): string {
  return Buffer.from(bytes).toString('hex');
}

function statusOf({ certStatus }: SingleResponse): OcspAnswer['status'] {
  if (certStatus.revoked !== undefined) return 'revoked';
  return certStatus.good === undefined ? 'unknown' : 'good';
}
