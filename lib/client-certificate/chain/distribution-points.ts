import type { X509Certificate } from 'node:crypto';
import { messageOf } from '../../common/message-of.js';
import { fieldsOf } from './certificate-fields.js';
import { childrenOf, type DerElement, elementAt } from './der.js';
import { ALL_REASONS, generalNameKeys, pointNamesOf, reasonsOf } from './distribution-point-names.js';

/** Where a certificate says that the lists are that may name it (RFC 5280 §4.2.1.13). */
export interface DistributionPoint {
  /** Its names, as lists have them too. */
  readonly names: readonly string[];
  /** Those of its names that are URIs, as they are written. */
  readonly uris: readonly string[];
  /** What the lists that are there are about, as {@link reasonsOf} has it. */
  readonly reasons: number;
  /** Who signs the lists that are there, by name; none where it is the CA of the certificate. */
  readonly issuers: readonly string[];
}

const CRL_DISTRIBUTION_POINTS = '2.5.29.31';
const NAME = 0xa0;
const REASONS = 0x81;
const CRL_ISSUER = 0xa2;
const FULL_NAME = 0xa0;
const URI = 0x86;

/** @throws RangeError where they can't be read */
export function distributionPointsOf(certificate: X509Certificate): readonly DistributionPoint[] {
  const { extensions, issuer } = fieldsOf(certificate);
  const der = extensions.get(CRL_DISTRIBUTION_POINTS)?.value;
  if (der === undefined) return [];
  return childrenOf(der, elementAt(der, 0)).map((element) => readPoint(der, element, issuer));
}

/** Likewise, with none where they can't be read. */
export function readDistributionPoints(certificate: X509Certificate): {
  readonly points: readonly DistributionPoint[];
  readonly problem: string | undefined;
} {
  try {
    return { points: distributionPointsOf(certificate), problem: undefined };
  } catch (error) {
    return { points: [], problem: `its distribution points can't be read: ${messageOf(error)}` };
  }
}

function readPoint(der: Buffer, element: DerElement, issuer: string): DistributionPoint {
  const parts = new Map(childrenOf(der, element).map((part) => [part.tag, part]));
  const [name, reasons, others] = [NAME, REASONS, CRL_ISSUER].map((tag) => parts.get(tag));
  const issuers = others === undefined ? [] : generalNameKeys(der, others);
  return {
    names: name === undefined ? [] : pointNamesOf(der, name, issuers[0] ?? issuer),
    uris: name === undefined ? [] : urisIn(der, name),
    reasons: reasons === undefined ? ALL_REASONS : reasonsOf(der, reasons),
    issuers,
  };
}

function urisIn(der: Buffer, name: DerElement): readonly string[] {
  const [full] = childrenOf(der, name);
  if (full?.tag !== FULL_NAME) return [];
  return childrenOf(der, full)
    .filter(({ tag }) => tag === URI)
    .map(({ content, end }) => der.toString('latin1', content, end));
}
