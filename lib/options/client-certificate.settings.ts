import { Allow, ArrayNotEmpty, IsArray, IsIn } from './class-validator.js';
import type {
  CustomClientCertificateOptions,
  HeaderClientCertificateOptions,
  TlsClientCertificateOptions,
} from '../cert-bound-auth.options.js';
import type {
  CertificateSettings,
  CustomCertificateSettings,
  HeaderCertificateSettings,
  TlsCertificateSettings,
} from '../client-certificate/certificate-settings.js';
import { trustedProxyProblem } from '../client-certificate/trusted-proxies.js';
import { isJsonObject, type JsonObject } from '../jose/json-object.js';
import { type ConfigurationProblem, problem } from './configuration-error.js';
import { type Declaration, Declares } from './declared-options.js';
import { CheckedCertificatePolicyOptions, checkCertificatePolicy } from './certificate-policy.settings.js';
import { checkTrust, IsTrust } from './certificate-trust.settings.js';
import { Given, IsFunction, IsGroup, isHeaderName, IsText, isText, Satisfies } from './option-checks.js';
import { checkRevocation, CheckedRevocation } from './revocation.settings.js';

const TRUSTED_PROXIES = `name who may send the header: ['10.0.0.0/8', 'loopback']; from anyone else it is ignored`;
const FORMAT = `use 'rfc9440', 'pem', 'der', 'xfcc' or { xfcc: { hop?, hashAlone? } }`;

@Declares<TlsClientCertificateOptions>()
export class CheckedTlsCertificateOptions implements TlsCertificateSettings {
  @Allow() readonly from = 'tls';

  @Given()
  @IsIn(['ca', 'any'], { message: `use 'ca' or 'any'` })
  readonly trust: TlsCertificateSettings['trust'] = 'ca';

  @Given()
  @IsGroup('give { issuers?, allow?, deny?, profile?, ... }', () => CheckedCertificatePolicyOptions)
  readonly policy: CheckedCertificatePolicyOptions | undefined;

  @Given()
  @IsGroup('give { crl?, ocsp?, mode? }', () => CheckedRevocation)
  readonly revocation: TlsCertificateSettings['revocation'];
}

@Declares<HeaderClientCertificateOptions>()
class CheckedHeaderCertificateOptions implements HeaderCertificateSettings {
  @Allow() readonly from = 'header';
  @IsText('name the header') readonly header!: string;

  @Satisfies('format', FORMAT, isFormat)
  readonly format!: HeaderCertificateSettings['format'];

  @IsArray({ message: TRUSTED_PROXIES })
  @ArrayNotEmpty({ message: TRUSTED_PROXIES })
  readonly trustedProxies!: HeaderCertificateSettings['trustedProxies'];

  @IsTrust() readonly trust!: HeaderCertificateSettings['trust'];

  @Given()
  @IsText('name the header with the chain')
  readonly chainHeader: HeaderCertificateSettings['chainHeader'];

  @Given()
  @Satisfies('verifyHeader', 'name the header with the verdict, or give { name, value }', isVerifyHeader)
  readonly verifyHeader: HeaderCertificateSettings['verifyHeader'];

  @Given()
  @IsGroup('give { issuers?, allow?, deny?, profile?, ... }', () => CheckedCertificatePolicyOptions)
  readonly policy: CheckedCertificatePolicyOptions | undefined;

  @Given()
  @IsGroup('give { crl?, ocsp?, mode? }', () => CheckedRevocation)
  readonly revocation: HeaderCertificateSettings['revocation'];
}

@Declares<CustomClientCertificateOptions>()
class CheckedCustomCertificateOptions implements CustomCertificateSettings {
  @Allow() readonly from = 'custom';

  @IsFunction('give a function (request) => PEM, DER or undefined')
  readonly find!: CustomCertificateSettings['find'];

  @IsTrust() readonly trust!: CustomCertificateSettings['trust'];

  @Given()
  @IsGroup('give { issuers?, allow?, deny?, profile?, ... }', () => CheckedCertificatePolicyOptions)
  readonly policy: CheckedCertificatePolicyOptions | undefined;

  @Given()
  @IsGroup('give { crl?, ocsp?, mode? }', () => CheckedRevocation)
  readonly revocation: CustomCertificateSettings['revocation'];
}

const SOURCES = {
  tls: CheckedTlsCertificateOptions,
  header: CheckedHeaderCertificateOptions,
  custom: CheckedCustomCertificateOptions,
} as const satisfies Readonly<Record<CertificateSettings['from'], Declaration>>;

class UnknownCertificateSource {
  @IsIn(Object.keys(SOURCES), { message: `use 'tls', 'header' or 'custom'` }) readonly from: unknown;
}

/** Which options there are is told by where the certificate comes from. */
export function certificateSourceOf({ from }: JsonObject): Declaration {
  const known = Object.entries(SOURCES).find(([name]) => name === from);
  return known === undefined ? UnknownCertificateSource : known[1];
}

function isFormat(value: unknown): boolean {
  if (typeof value === 'string') return ['rfc9440', 'pem', 'der', 'xfcc'].includes(value);
  const der = onlyMember(value, 'der');
  if (der !== undefined) return onlyMember(der, 'list') === false;
  const xfcc = onlyMember(value, 'xfcc');
  return isJsonObject(xfcc) && isXfccFormat(xfcc);
}

function isXfccFormat({ hop, hashAlone, ...others }: JsonObject): boolean {
  const isHop =
    hop === undefined || (Number.isSafeInteger(hop) && (hop as number) >= 0 && (hop as number) < 100);
  const isHashAlone = hashAlone === undefined || typeof hashAlone === 'boolean';
  return isHop && isHashAlone && Object.keys(others).length === 0 && (hop ?? hashAlone) !== undefined;
}

/** The member of an object that has this one and no other. */
function onlyMember(value: unknown, name: string): unknown {
  return isJsonObject(value) && Object.keys(value).length === 1 ? value[name] : undefined;
}

function isVerifyHeader(value: unknown): boolean {
  if (typeof value === 'string') return value !== '';
  if (!isJsonObject(value) || Object.keys(value).length !== 2) return false;
  return isText(value['name']) && isText(value['value']);
}

/** Checks what the options say together; each has the right type already. */
export function checkCertificateSource(source: CertificateSettings): readonly ConfigurationProblem[] {
  const ofBoth = [...checkCertificatePolicy(source), ...checkRevocation(source)];
  if (source.from === 'tls') return ofBoth;
  return [
    ...ofBoth,
    ...checkTrust(source.trust),
    ...(source.from === 'header'
      ? [...checkHeaders(source), ...checkChain(source), ...checkProxies(source)]
      : []),
  ];
}

/** Envoy's header holds the chain itself. */
function checkChain({ format, chainHeader }: HeaderCertificateSettings): readonly ConfigurationProblem[] {
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

function checkHeaders(source: HeaderCertificateSettings): readonly ConfigurationProblem[] {
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

function checkProxies({ trustedProxies }: HeaderCertificateSettings): readonly ConfigurationProblem[] {
  return trustedProxyProblems(trustedProxies, 'clientCertificate.trustedProxies');
}

/** What is wrong with each of some `trustedProxies`. @param path of the list */
export function trustedProxyProblems(
  proxies: readonly unknown[],
  path: string,
): readonly ConfigurationProblem[] {
  return proxies.flatMap((proxy, index) => {
    const remedy = trustedProxyProblem(proxy);
    return remedy === undefined ? [] : [problem(`${path}[${index}]`, proxy, remedy)];
  });
}
