import { invalidRequest, type OAuthError } from '../challenge/oauth-error.js';
import { unverified } from './chain/chain-verdict.js';
import { chainVerifier } from './chain/chain-verifier.js';
import type { ForwardedCertificateParser } from './header/forwarded-certificate.js';
import { parserOf } from './header/parser-of.js';
import type { HeaderCertificateSettings } from './certificate-settings.js';
import type { ClientCertificateFinding, ClientCertificateSource } from './client-certificate.js';
import { forwardedHeaderReader } from './forwarded-header.js';
import { headerValues } from '../request/header-values.js';
import { type HttpRequest, rawRequestOf } from '../request/http-request.js';
import { trustedPeers } from './trusted-proxies.js';
import { untrustedHeaderReport } from './untrusted-header-report.js';

/**
 * The certificate that a proxy's client proved, as a header of that proxy says. From anyone else the header says
 * nothing.
 * @throws OAuthError 400 `invalid_request` where the header came more than once, or can't be read
 */
export function forwardedClientCertificate(configured: HeaderCertificateSettings): ClientCertificateSource {
  const settings = sourceOf(configured);
  const isTrusted = trustedPeers(settings.trustedProxies);
  const parse = parserOf(settings.format);
  const read = forwardedHeaderReader(parse, chainVerifier(settings.trust));
  const report = untrustedHeaderReport(settings.header);
  const absent: ClientCertificateFinding = {
    kind: 'none',
    reason: 'certificate_missing',
    detail: `no certificate in the header ${settings.header}`,
  };

  return (request): ClientCertificateFinding => {
    const raw = rawRequestOf(request);
    if (headerValues(raw, settings.header).length === 0) return absent;
    if (!isTrusted(raw)) return report(raw);
    const forwarded = read(onlyValue(request, settings.header));
    if (forwarded.kind === 'absent') return absent;
    if (forwarded.kind === 'malformed') throw malformed(settings.header, forwarded.detail);
    const certificate = forwarded.certificateWith(chainOf(request, settings, parse));
    const verdict = verdictOf(request, settings);
    return {
      kind: 'found',
      certificate: verdict === undefined ? certificate : { ...certificate, chain: () => unverified(verdict) },
    };
  };
}

/** The headers by their names in lower case, as Node has them. */
interface HeaderSource extends Omit<HeaderCertificateSettings, 'verifyHeader'> {
  readonly verifyHeader: { readonly name: string; readonly value: string } | undefined;
}

function sourceOf(settings: HeaderCertificateSettings): HeaderSource {
  const { header, chainHeader, verifyHeader } = settings;
  return {
    ...settings,
    header: header.toLowerCase(),
    chainHeader: chainHeader?.toLowerCase(),
    verifyHeader: verifyHeader === undefined ? undefined : verdictHeaderOf(verifyHeader),
  };
}

/** A name alone stands for what nginx says. */
function verdictHeaderOf(
  header: NonNullable<HeaderCertificateSettings['verifyHeader']>,
): HeaderSource['verifyHeader'] {
  if (typeof header === 'string') return { name: header.toLowerCase(), value: 'SUCCESS' };
  return { name: header.name.toLowerCase(), value: header.value };
}

/** @throws OAuthError 400 for a header that came more than once: which of them the proxy has written can't be told */
function onlyValue(request: HttpRequest, name: string): string {
  // Stryker disable next-line StringLiteral: none is another value than the one asked for, whatever stands for it
  const [value = '', ...others] = headerValues(rawRequestOf(request), name);
  if (others.length === 0) return value;
  throw invalidRequest('certificate_header_repeated', { detail: `more than one header ${name}` });
}

const MOST_IN_CHAIN = 10;

/** The chain may span lines (RFC 9440 §2.3); it is read only where we verify it. */
function chainOf(
  request: HttpRequest,
  { chainHeader, trust }: HeaderSource,
  parse: ForwardedCertificateParser,
): readonly Uint8Array[] {
  if (chainHeader === undefined || typeof trust === 'string') return [];
  const members = headerValues(rawRequestOf(request), chainHeader).flatMap((line) => line.split(','));
  if (members.length > MOST_IN_CHAIN)
    throw malformed(chainHeader, `it has over ${MOST_IN_CHAIN} certificates`);
  return members.flatMap((member) => {
    const parsed = parse(member);
    if (parsed.kind === 'malformed') throw malformed(chainHeader, parsed.detail);
    return parsed.kind === 'certificate' ? [parsed.der, ...parsed.chain] : [];
  });
}

/** Why the proxy does not vouch for the certificate, where its verdict is asked for. */
function verdictOf(request: HttpRequest, { verifyHeader }: HeaderSource): string | undefined {
  if (verifyHeader === undefined) return undefined;
  const { name, value } = verifyHeader;
  return onlyValue(request, name) === value ? undefined : `the header ${name} is not ${value}`;
}

function malformed(header: string, detail: string): OAuthError {
  return invalidRequest('certificate_header_malformed', { detail: `the header ${header}: ${detail}` });
}
