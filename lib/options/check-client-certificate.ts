import { validateHeaderName } from 'node:http';
import type { CertBoundAuthOptions, HeaderClientCertificateOptions } from '../cert-bound-auth.options.js';
import { readCaCertificates } from '../client-certificate/chain/read-certificates.js';
import { messageOf } from '../common/message-of.js';
import { trustedProxyProblem } from '../client-certificate/trusted-proxies.js';
import { type ConfigurationProblem, problem } from './configuration-error.js';

/** Checks where certificates come from; each field has the right type already. */
export function checkClientCertificate({
  clientCertificate: source,
}: CertBoundAuthOptions): readonly ConfigurationProblem[] {
  if (source === undefined || source.from === 'tls') return [];
  return [
    ...checkTrust(source.trust),
    ...(source.from === 'header'
      ? [...checkHeaders(source), ...checkChain(source), ...checkProxies(source)]
      : []),
  ];
}

function checkTrust(trust: HeaderClientCertificateOptions['trust']): readonly ConfigurationProblem[] {
  return typeof trust === 'string' ? [] : checkCa(trust.ca);
}

function checkCa(
  ca: Extract<HeaderClientCertificateOptions['trust'], object>['ca'],
): readonly ConfigurationProblem[] {
  try {
    readCaCertificates(ca);
    return [];
  } catch (error) {
    return [problem('clientCertificate.trust.ca', ca, `it cannot be used: ${messageOf(error)}`)];
  }
}

/** Envoy's header holds the chain itself. */
function checkChain({
  format,
  chainHeader,
}: HeaderClientCertificateOptions): readonly ConfigurationProblem[] {
  const isXfcc = format === 'xfcc' || typeof format === 'object';
  if (!isXfcc || chainHeader === undefined) return [];
  return [
    problem('clientCertificate.chainHeader', chainHeader, 'leave it out: xfcc has the chain in its element'),
  ];
}

/** Headers that mean something else already. */
const TAKEN = new Set([
  'authorization',
  'cookie',
  'dpop',
  'host',
  'connection',
  'content-type',
  'content-length',
  'transfer-encoding',
  'forwarded',
  'x-forwarded-for',
]);

function checkHeaders(source: HeaderClientCertificateOptions): readonly ConfigurationProblem[] {
  const { verifyHeader } = source;
  const names = [
    ['header', source.header],
    ['chainHeader', source.chainHeader],
    ['verifyHeader', typeof verifyHeader === 'object' ? verifyHeader.name : verifyHeader],
  ] as const;
  const seen = new Set<string>();
  return names.flatMap(([field, name]) => {
    if (name === undefined) return [];
    const path = `clientCertificate.${field}`;
    if (!isHeaderName(name)) return [problem(path, name, 'it is no name of an HTTP header')];
    const key = name.toLowerCase();
    if (TAKEN.has(key) || seen.has(key))
      return [problem(path, name, 'this header says something else already')];
    seen.add(key);
    return [];
  });
}

function isHeaderName(name: string): boolean {
  try {
    validateHeaderName(name);
    return true;
  } catch {
    return false;
  }
}

function checkProxies({ trustedProxies }: HeaderClientCertificateOptions): readonly ConfigurationProblem[] {
  return trustedProxies.flatMap((proxy, index) => {
    const remedy = trustedProxyProblem(proxy);
    return remedy === undefined ? [] : [problem(`clientCertificate.trustedProxies[${index}]`, proxy, remedy)];
  });
}
