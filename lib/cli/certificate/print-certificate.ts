import { printable } from '../printable.js';
import type { CertificateReport, ReadCertificate } from './describe-certificate.js';
import type { CertificateStep } from './judge-certificate.js';

/** What is told of a file. */
export interface CertificateFileReport {
  /** The client's first; the rest is its chain. */
  readonly certificates: readonly CertificateReport[];
  /** What a configuration says of the first one; `undefined` where none was given. */
  readonly judgement?: Judgement;
}

/** What a configuration says of a certificate, as far as was checked. */
export interface Judgement {
  /** Of which policy and file. */
  readonly by: string;
  readonly outcome: 'accepted' | 'refused';
  readonly steps: readonly CertificateStep[];
}

/** A report for people. Nothing that a certificate says can pass for a line of it. */
export function printReport({ certificates, judgement }: CertificateFileReport): string {
  const blocks = certificates.map((certificate, index) => [
    index === 0 ? 'certificate' : `chain, certificate ${index}`,
    ...rowsOf(certificate).map(([name, value]) => `  ${name.padEnd(24)}${printable(value)}`),
  ]);
  return [...blocks, ...(judgement === undefined ? [] : [linesOf(judgement)])]
    .map((lines) => lines.join('\n'))
    .join('\n\n');
}

type Row = readonly [name: string, value: string];

function rowsOf(certificate: CertificateReport): readonly Row[] {
  if ('fault' in certificate)
    return [
      ['thumbprint', certificate.thumbprint],
      ['cannot be read', certificate.fault],
    ];
  const { subjectAltNames: names, psd2, weak } = certificate;
  return [
    ['thumbprint', certificate.thumbprint],
    ['subject', certificate.subject || '(empty)'],
    ['issuer', certificate.issuer],
    ['serial number', certificate.serialNumber],
    ['valid', validityOf(certificate)],
    ['key', certificate.key + (weak.includes('key') ? ': too weak, or unusual' : '')],
    [
      'signed by',
      certificate.signatureAlgorithm + (weak.includes('signature') ? ': too weak, or not known' : ''),
    ],
    ['is of', certificate.isCa ? 'a CA' : 'no CA'],
    ...all('DNS name', names.dns),
    ...all('URI', names.uri),
    ...all('email', names.email),
    ...all('IP address', names.ip),
    ...all('directory name', names.directoryName),
    ['key usage', certificate.keyUsage?.join(', ') ?? 'it does not say'],
    ['extended key usage', certificate.extendedKeyUsage?.join(', ') ?? 'it does not say'],
    ...maybe('SPIFFE id', certificate.spiffeId),
    ...maybe('organizationIdentifier', certificate.organizationIdentifier),
    ...maybe('roles of PSD2', psd2?.roles.join(', ')),
    ...maybe('licensed by', psd2 === undefined ? undefined : `${psd2.nca.id}, ${psd2.nca.name}`),
    ...maybe('qualified statements', certificate.qualifiedFault),
    ...all('revocation list', certificate.crlDistributionPoints),
    ...all('OCSP responder', certificate.ocspResponders),
  ];
}

function all(name: string, values: readonly string[]): readonly Row[] {
  return values.map((value) => [name, value]);
}

function maybe(name: string, value: string | undefined): readonly Row[] {
  return value === undefined ? [] : [[name, value]];
}

function validityOf({ notBefore, notAfter, validity, secondsLeft }: ReadCertificate): string {
  const state = {
    valid: `for another ${durationOf(secondsLeft)}`,
    expired: `expired ${durationOf(-secondsLeft)} ago`,
    'not-yet-valid': 'not yet',
  }[validity];
  return `${notBefore} to ${notAfter}: ${state}`;
}

const UNITS = [
  ['days', 86_400],
  ['hours', 3_600],
  ['minutes', 60],
] as const;

/** In the largest unit of which there are two. */
function durationOf(seconds: number): string {
  const [unit, length] = UNITS.find(([, each]) => seconds >= 2 * each) ?? ['s', 1];
  return `${Math.floor(seconds / length)} ${unit}`;
}

const MARKS = { passed: 'ok', failed: 'FAILED', 'not-checked': '-' } as const;

function linesOf({ by, outcome, steps }: Judgement): readonly string[] {
  return [
    `${outcome}, by ${printable(by)}`,
    ...steps.flatMap(({ check, result, found, reason, remedy }) => [
      `  ${MARKS[result].padEnd(6)}  ${check.padEnd(12)}${reason ?? printable(found)}`,
      ...(reason === undefined
        ? []
        : [`          found     ${printable(found)}`, `          to do     ${remedy}`]),
    ]),
  ];
}
