import { hash, X509Certificate } from 'node:crypto';
import { Logger } from '@nestjs/common';
import { LRUCache } from 'lru-cache';
import { invalidRequest, type OAuthError } from '../challenge/oauth-error.js';
import type {
  ForwardedCertificate,
  ForwardedCertificateParser,
  ForwardedCertificateResult,
} from '../forwarded-certificate/forwarded-certificate.js';
import { parserOf } from '../forwarded-certificate/parser-of.js';
import { chainVerifier } from '../forwarded-certificate/verify-chain.js';
import type { ResolvedHeaderCertificate } from '../options/resolved-options.js';
import {
  type ClientCertificate,
  type ClientCertificateFinding,
  type ClientCertificateSource,
  describeX509,
} from './client-certificate.js';
import { headerValues } from './header-values.js';
import { type HttpRequest, rawRequestOf } from './http-request.js';
import { trustedPeers } from './trusted-proxies.js';

/**
 * The certificate that a proxy's client proved, as a header of that proxy says. From anyone else the header says
 * nothing.
 * @throws OAuthError 400 `invalid_request` where the header came more than once, or can't be read
 */
export function forwardedClientCertificate(settings: ResolvedHeaderCertificate): ClientCertificateSource {
  const isTrusted = trustedPeers(settings.trustedProxies);
  const parse = parserOf(settings.format);
  const read = rememberRead(parse);
  const verify = chainVerifier(settings.trust);
  const report = reportUntrusted(settings.header);
  const absent: ClientCertificateFinding = {
    kind: 'none',
    reason: 'certificate_missing',
    detail: `no certificate in the header ${settings.header}`,
  };

  return async (request): Promise<ClientCertificateFinding> => {
    const raw = rawRequestOf(request);
    if (headerValues(raw, settings.header).length === 0) return absent;
    if (!isTrusted(raw)) return report(request);
    const forwarded = read(onlyValue(request, settings.header) ?? '');
    if (forwarded.kind === 'absent') return absent;
    if (forwarded.kind === 'malformed') throw malformed(settings.header, forwarded.detail);
    const chain = [...forwarded.chain, ...chainOf(request, settings, parse)];
    const chainError = verdictOf(request, settings) ?? (await verify(forwarded.certificate.identity, chain));
    return { kind: 'found', certificate: { ...forwarded.certificate, chainError } };
  };
}

/** @throws OAuthError 400 for a header that came more than once: which of them the proxy has written can't be told */
function onlyValue(request: HttpRequest, name: string): string | undefined {
  const values = headerValues(rawRequestOf(request), name);
  if (values.length <= 1) return values[0];
  throw invalidRequest('certificate_header_repeated', { detail: `more than one header ${name}` });
}

/** What a header says; of the certificate all that does not depend on the moment. */
type ReadHeader =
  | Exclude<ForwardedCertificateResult, ForwardedCertificate>
  | {
      readonly kind: 'certificate';
      readonly certificate: ClientCertificate;
      readonly chain: readonly Uint8Array[];
    };

/** A header stays the same for as long as its client's connection with the proxy: it is read once. */
const MOST_READ = 1_000;

function rememberRead(parse: ForwardedCertificateParser): (value: string) => ReadHeader {
  const known = new LRUCache<string, ReadHeader>({ max: MOST_READ });
  return (value) => {
    const key = hash('sha256', value, 'base64url');
    const before = known.get(key);
    if (before !== undefined) return before;
    const read = describe(parse(value));
    known.set(key, read);
    return read;
  };
}

function describe(parsed: ForwardedCertificateResult): ReadHeader {
  switch (parsed.kind) {
    case 'certificate': {
      const certificate = describeX509(new X509Certificate(parsed.der), undefined);
      return { kind: 'certificate', certificate, chain: parsed.chain };
    }
    case 'thumbprint':
      return { kind: 'certificate', certificate: describeThumbprint(parsed), chain: [] };
    default:
      return parsed;
  }
}

/** Of such a certificate the proxy alone knows how long it is valid. */
function describeThumbprint(
  parsed: Extract<ForwardedCertificate, { readonly kind: 'thumbprint' }>,
): ClientCertificate {
  return {
    identity: { subject: parsed.subject ?? '', subjectAltNames: parsed.subjectAltNames },
    thumbprint: parsed.thumbprint,
    notBefore: FIRST_DATE,
    notAfter: LAST_DATE,
    chainError: undefined,
  };
}

/** The dates that JavaScript can hold, in milliseconds since the epoch. */
const LAST_DATE = 8.64e15;
const FIRST_DATE = -LAST_DATE;

const MOST_IN_CHAIN = 10;

/** The chain may span lines (RFC 9440 §2.3); it is read only where we verify it. */
function chainOf(
  request: HttpRequest,
  { chainHeader, trust }: ResolvedHeaderCertificate,
  parse: ForwardedCertificateParser,
): readonly Uint8Array[] {
  if (chainHeader === undefined || typeof trust === 'string') return [];
  const members = headerValues(rawRequestOf(request), chainHeader).flatMap((line) => line.split(','));
  if (members.length > MOST_IN_CHAIN)
    throw malformed(chainHeader, `it has over ${MOST_IN_CHAIN} certificates`);
  return members.flatMap((member) => {
    const parsed = parse(member.trim());
    if (parsed.kind === 'malformed') throw malformed(chainHeader, parsed.detail);
    return parsed.kind === 'certificate' ? [parsed.der, ...parsed.chain] : [];
  });
}

/** Why the proxy does not vouch for the certificate, where its verdict is asked for. */
function verdictOf(request: HttpRequest, { verifyHeader }: ResolvedHeaderCertificate): string | undefined {
  if (verifyHeader === undefined) return undefined;
  const { name, value } = verifyHeader;
  return onlyValue(request, name) === value ? undefined : `the header ${name} is not ${value}`;
}

function malformed(header: string, detail: string): OAuthError {
  return invalidRequest('certificate_header_malformed', { detail: `the header ${header}: ${detail}` });
}

const MINUTE_MS = 60_000;
const MOST_PEERS = 1_000;

/** Tells operations of a peer that sends the header and is not trusted: an attack, or a proxy that was forgotten. */
function reportUntrusted(header: string): (request: HttpRequest) => ClientCertificateFinding {
  const logger = new Logger('CertBoundAuth');
  const lately = new LRUCache<string, true>({ max: MOST_PEERS, ttl: MINUTE_MS });
  return (request) => {
    const peer = rawRequestOf(request).socket.remoteAddress ?? 'unknown';
    const detail = `${peer} sent the header ${header} and is none of trustedProxies`;
    if (!lately.has(peer)) logger.warn(`ignored reason=certificate_header_untrusted detail="${detail}"`);
    lately.set(peer, true);
    return { kind: 'none', reason: 'certificate_header_untrusted', detail };
  };
}
