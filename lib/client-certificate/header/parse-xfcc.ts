import { X509Certificate } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import { certificateThumbprint } from '../certificate-thumbprint.js';
import { equalInConstantTime } from '../../common/equal-in-constant-time.js';
import type { WholeCertificate } from './decode-certificates.js';
import type { ForwardedCertificate, ForwardedCertificateParser } from './forwarded-certificate.js';
import { headerParser } from './header-parser.js';
import { MalformedValue } from './malformed-value.js';
import { readPem } from './parse-pem.js';
import { splitNames } from '../split-names.js';
import { onlyValueOf, valuesOf, type XfccElement, xfccElements } from './xfcc-elements.js';

/** Which element of X-Forwarded-Client-Cert counts, and what it must hold. */
export interface XfccRules {
  /** Whose element counts, counted from the nearest proxy, whose comes last. `undefined`: there must be exactly one. */
  readonly hop: number | undefined;
  /** Whether a digest counts without the certificate. */
  readonly hashAlone: boolean;
}

/**
 * Makes a parser of Envoy's X-Forwarded-Client-Cert. Envoy does not escape the names of `URI` and `DNS`: one that holds
 * a comma reads as an element of its own. So there must be exactly one element, or, with a hop, each element up to the
 * one that counts must list the names of its own certificate. A hop that is not there is malformed.
 * @see https://www.envoyproxy.io/docs/envoy/latest/configuration/http/http_conn_man/headers#x-forwarded-client-cert
 */
export function xfccParser({ hop, hashAlone }: XfccRules): ForwardedCertificateParser {
  return headerParser((value) => {
    const elements = xfccElements(value);
    const element = hop === undefined ? onlyElement(elements) : elementOfHop(elements, hop);
    return readElement(element, hashAlone);
  });
}

function onlyElement(elements: readonly XfccElement[]): XfccElement {
  const [element, ...others] = elements;
  if (element !== undefined && others.length === 0) return element;
  throw new MalformedValue('it has more than one element, and no hop says which one counts');
}

/** The elements behind it speak of proxies; those in front of it may be made of what the client wrote. */
function elementOfHop(elements: readonly XfccElement[], hop: number): XfccElement {
  const upToIt = elements.slice(0, Math.max(elements.length - hop, 0));
  const element = upToIt.at(-1);
  if (element === undefined) throw new MalformedValue(`it has no element of hop ${hop}`);
  for (const each of upToIt) checkNames(each);
  return element;
}

/** A name that was cut off at a comma is none of the certificate's. */
function checkNames(element: XfccElement): void {
  for (const type of ['URI', 'DNS'] as const) {
    const written = valuesOf(element, type.toLowerCase());
    if (written.length === 0) continue;
    const certificate = readCertificate(element);
    if (certificate === undefined)
      throw new MalformedValue(`its ${type} comes without Cert: where the name ends cannot be told`);
    // Envoy writes one that is empty where the certificate has none.
    const names = written.length === 1 && written[0] === '' ? [] : written;
    if (
      !isDeepStrictEqual(
        names.map((name) => `${type}:${asNodePrints(name)}`),
        namesIn(certificate, type),
      )
    )
      throw new MalformedValue(`its ${type} is not that of the certificate beside it`);
  }
}

function namesIn({ der }: WholeCertificate, type: 'URI' | 'DNS'): readonly string[] {
  return splitNames(new X509Certificate(der).subjectAltName).filter((name) => name.startsWith(`${type}:`));
}

/** `Hash` says which certificate it was; `Cert` and `Chain`, where they are there, must say the same. */
function readElement(element: XfccElement, hashAlone: boolean): ForwardedCertificate {
  const thumbprint = readHash(onlyValueOf(element, 'hash'));
  const certificate = readCertificate(element);
  if (certificate === undefined) return readHashAlone(element, thumbprint, hashAlone);
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

function readHashAlone(
  element: XfccElement,
  thumbprint: string | undefined,
  isAccepted: boolean,
): ForwardedCertificate {
  if (thumbprint === undefined) throw new MalformedValue('its element has neither Cert, Chain nor Hash');
  if (!isAccepted)
    throw new MalformedValue('its element has Hash alone: have Envoy send Cert, or accept it (hashAlone)');
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

/**
 * Node writes a name that could be taken for several, or for part of another, as a JSON string whose commas are escaped
 * (CVE-2021-44532).
 */
function asNodePrints(name: string): string {
  return /["\\,']|[^ -~]/.test(name) ? JSON.stringify(name).replaceAll(',', String.raw`\u002c`) : name;
}
