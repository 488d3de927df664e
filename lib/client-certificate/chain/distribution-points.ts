import type { X509Certificate } from 'node:crypto';
import { fieldsOf } from './certificate-fields.js';
import { childrenOf, type DerElement, elementAt } from './der.js';
import { fullNameOf } from './list-extensions.js';

/** Where a certificate says that the lists are that may name it (RFC 5280 §4.2.1.13). */
export interface DistributionPoint {
  /** Its names, as lists have them too. */
  readonly names: readonly string[];
  /** Those of its names that are URIs, as they are written. */
  readonly uris: readonly string[];
}

const CRL_DISTRIBUTION_POINTS = '2.5.29.31';
const NAME = 0xa0;
const REASONS = 0x81;
const CRL_ISSUER = 0xa2;
const URI = 0x86;

/**
 * The distribution points of a certificate, but for those of some reasons only and of other CAs: no list that is found there
 * is supported.
 * @throws RangeError where they can't be read
 */
export function distributionPointsOf(certificate: X509Certificate): readonly DistributionPoint[] {
  const der = fieldsOf(certificate).extensions.get(CRL_DISTRIBUTION_POINTS)?.value;
  if (der === undefined) return [];
  return childrenOf(der, elementAt(der, 0)).flatMap((element) => readPoint(der, element));
}

function readPoint(der: Buffer, element: DerElement): readonly DistributionPoint[] {
  const parts = childrenOf(der, element);
  const name = parts.find(({ tag }) => tag === NAME);
  if (name === undefined || parts.some(({ tag }) => tag === REASONS || tag === CRL_ISSUER)) return [];
  const names = fullNameOf(der, name);
  if (names === undefined) return [];
  const [full] = childrenOf(der, name);
  const uris = (full === undefined ? [] : childrenOf(der, full)).filter(({ tag }) => tag === URI);
  return [{ names, uris: uris.map(({ content, end }) => der.toString('latin1', content, end)) }];
}
