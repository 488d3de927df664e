import type { CertificateFields } from './certificate-fields.js';
import { contentHex, elementAt, onlyElement, SEQUENCE } from './der.js';
import {
  DIRECTORY_NAME,
  DNS_NAME,
  EMAIL,
  type GeneralName,
  OTHER_NAME,
  subjectAltNamesOf,
} from './general-names.js';
import { decodeText, namePartsOf } from './name-key.js';

/**
 * All names of a certificate that name constraints are about: its subject, the mail addresses in it, and its alternative
 * names. Of a client's certificate without a DNS name also a common name that looks like one, as OpenSSL has it, for apps
 * take it for one.
 * @throws RangeError when they can't be read
 */
export function constrainedNamesOf(certificate: CertificateFields, isLeaf: boolean): readonly GeneralName[] {
  const alternative = subjectAltNamesOf(certificate.extensions).map(orUnknownEmail);
  const hasDnsName = alternative.some(({ kind }) => kind === DNS_NAME);
  return [
    ...subjectNamesOf(certificate.subjectName).filter(
      ({ kind }) => kind !== DNS_NAME || (isLeaf && !hasDnsName),
    ),
    ...alternative,
  ];
}

const COMMON_NAME = '550403';
const EMAIL_ADDRESS = '2a864886f70d010901';
const LOOKS_LIKE_A_HOST = /^(?:\*\.)?[\w-]+(?:\.[\w-]+)+$/;

function subjectNamesOf(subject: Buffer): readonly GeneralName[] {
  const attributes = namePartsOf(subject, onlyElement(subject, SEQUENCE)).flat();
  if (attributes.length === 0) return [];
  const others = attributes.flatMap(({ type, value }): readonly GeneralName[] => {
    const text = decodeText(subject, value) ?? '';
    switch (contentHex(subject, type)) {
      case EMAIL_ADDRESS:
        return [{ kind: EMAIL, value: Buffer.from(text) }];
      case COMMON_NAME:
        return LOOKS_LIKE_A_HOST.test(text) ? [{ kind: DNS_NAME, value: Buffer.from(text) }] : [];
      default:
        return [];
    }
  });
  return [{ kind: DIRECTORY_NAME, value: subject }, ...others];
}

const SMTP_UTF8_MAILBOX = '2b06010505070809';

/** A mailbox beyond ASCII (RFC 9598) is one too, which is not compared with any. */
function orUnknownEmail(name: GeneralName): GeneralName {
  if (name.kind !== OTHER_NAME) return name;
  const isMailbox = contentHex(name.value, elementAt(name.value, 0)) === SMTP_UTF8_MAILBOX;
  return isMailbox ? { kind: EMAIL, value: Buffer.alloc(0) } : name;
}
