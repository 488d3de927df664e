import { certificateThumbprint } from '../certificate-thumbprint.js';
import { equalInConstantTime } from '../../common/equal-in-constant-time.js';
import type { WholeCertificate } from './decode-certificates.js';
import type { ForwardedCertificate, ForwardedCertificateParser } from './forwarded-certificate.js';
import { headerParser } from './header-parser.js';
import { MalformedValue } from './malformed-value.js';
import { readPem } from './parse-pem.js';
import { onlyValueOf, valuesOf, type XfccElement, xfccElements } from './xfcc-elements.js';

/**
 * Makes a parser of Envoy's X-Forwarded-Client-Cert.
 * @param hop whose element counts: 0 is the nearest proxy's, which comes last; a hop that is not there is malformed
 * @see https://www.envoyproxy.io/docs/envoy/latest/configuration/http/http_conn_man/headers#x-forwarded-client-cert
 */
export function xfccParser(hop: number): ForwardedCertificateParser {
  return headerParser((value) => {
    const element = xfccElements(value).at(-1 - hop);
    if (element === undefined) throw new MalformedValue(`it has no element of hop ${hop}`);
    return readElement(element);
  });
}

/** `Hash` says which certificate it was; `Cert` and `Chain`, where they are there, must say the same. */
function readElement(element: XfccElement): ForwardedCertificate {
  const thumbprint = readHash(onlyValueOf(element, 'hash'));
  const certificate = readCertificate(element);
  if (certificate === undefined) return describeHash(element, thumbprint);
  if (thumbprint === undefined) return certificate;
  if (equalInConstantTime(thumbprint, certificateThumbprint(certificate.der))) return certificate;
  throw new MalformedValue('its Hash is not that of its certificate');
}

function readHash(hash: string | undefined): string | undefined {
  if (hash === undefined) return undefined;
  if (/^[\da-f]{64}$/i.test(hash)) return Buffer.from(hash, 'hex').toString('base64url');
  throw new MalformedValue('its Hash is not a SHA-256 in hex');
}

function readCertificate(element: XfccElement): WholeCertificate | undefined {
  const leaf = readLeaf(onlyValueOf(element, 'cert'));
  const chain = onlyValueOf(element, 'chain');
  return chain === undefined ? leaf : readChain(chain, leaf);
}

function readLeaf(cert: string | undefined): WholeCertificate | undefined {
  if (cert === undefined) return undefined;
  const leaf = readPem(cert);
  if (leaf.chain.length > 0) throw new MalformedValue('its Cert is more than one certificate');
  return leaf;
}

/** The leaf comes first in the chain. */
function readChain(pem: string, leaf: WholeCertificate | undefined): WholeCertificate {
  const chain = readPem(pem);
  if (leaf === undefined || Buffer.from(chain.der).equals(leaf.der)) return chain;
  throw new MalformedValue('its Chain does not begin with its Cert');
}

function describeHash(element: XfccElement, thumbprint: string | undefined): ForwardedCertificate {
  if (thumbprint === undefined) throw new MalformedValue('its element has neither Cert, Chain nor Hash');
  return {
    kind: 'thumbprint',
    thumbprint,
    subject: onlyValueOf(element, 'subject'),
    subjectAltNames: [...namesOf(element, 'URI'), ...namesOf(element, 'DNS')],
  };
}

/** Envoy writes an empty `URI` where the certificate has none. */
function namesOf(element: XfccElement, type: 'URI' | 'DNS'): readonly string[] {
  return valuesOf(element, type.toLowerCase())
    .filter((name) => name !== '')
    .map((name) => `${type}:${asNodePrints(name)}`);
}

/** Node writes a name that could be taken for several, or for part of another, as a JSON string (CVE-2021-44532). */
function asNodePrints(name: string): string {
  return /["\\,']|[^ -~]/.test(name) ? JSON.stringify(name) : name;
}
