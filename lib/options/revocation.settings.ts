import type { X509Certificate } from 'node:crypto';
import { IsArray, IsBoolean, IsIn } from './class-validator.js';
import type {
  OcspOptions,
  RevocationListOptions,
  CertificateRevocationOptions,
} from '../cert-bound-auth.options.js';
import type { CertificateSettings } from '../client-certificate/certificate-settings.js';
import { type CaTrust, readCaTrust } from '../client-certificate/chain/ca-trust.js';
import { filesProblem } from '../client-certificate/revocation/files-without-list.js';
import { allowedUrl, isHost, isNetwork } from '../client-certificate/revocation/allowed-url.js';
import type {
  OcspSettings,
  RevocationListSettings,
  RevocationSettings,
} from '../client-certificate/revocation/revocation-settings.js';
import { type ConfigurationProblem, problem } from './configuration-error.js';
import { Declares } from './declared-options.js';
import { Given, IsGroup, IsPositiveInt, isTextOrTexts, Satisfies } from './option-checks.js';

const FILES = `name files of revocation lists, as '/etc/tls/ca.crl'`;
const HOSTS = `name hosts, in lower case and without scheme or path: ['crl.example.com', 'pki.example.com:8080']`;
const RESPONDER = `give its URL, as 'http://ocsp.example.com/'`;
const NETWORKS = `name addresses or networks: ['10.2.0.0/16', '192.168.7.9']`;

@Declares<RevocationListOptions>()
class CheckedRevocationLists implements RevocationListSettings {
  @Given()
  @Satisfies('files', FILES, isPathOrPaths)
  readonly files: RevocationListSettings['files'] = [];

  @Given() @AreHosts() readonly hosts: readonly string[] = [];
  @Given() @AreNetworks() readonly privateNetworks: readonly string[] = [];
  @Given() @IsPositiveInt(60_000) readonly timeout: number = 10_000;
  @Given() @IsPositiveInt(1_073_741_824) readonly maxSize: number = 67_108_864;
}

@Declares<OcspOptions>()
class CheckedOcsp implements OcspSettings {
  @Given()
  @Satisfies('responder', RESPONDER, isWebUrl)
  readonly responder: OcspSettings['responder'];

  @Given() @AreHosts() readonly hosts: readonly string[] = [];
  @Given() @AreNetworks() readonly privateNetworks: readonly string[] = [];
  @Given() @IsPositiveInt(60_000) readonly timeout: number = 5_000;
  @Given() @IsPositiveInt(31_536_000) readonly maxAge: number = 86_400;
  @Given() @IsBoolean({ message: 'use true or false' }) readonly nonce: boolean = false;
}

@Declares<CertificateRevocationOptions>()
export class CheckedRevocation implements RevocationSettings {
  @Given()
  @IsIn(['strict', 'best-effort', 'off'], { message: `use 'strict', 'best-effort' or 'off'` })
  readonly mode: RevocationSettings['mode'] = 'strict';

  @Given()
  @IsGroup('give { files } or { hosts }', () => CheckedRevocationLists)
  readonly crl: RevocationSettings['crl'];

  @Given()
  @IsGroup('give { responder } or { hosts }', () => CheckedOcsp)
  readonly ocsp: RevocationSettings['ocsp'];
}

function AreHosts(): PropertyDecorator {
  return (target, name) => {
    IsArray({ message: HOSTS })(target, name);
    Satisfies('hosts', HOSTS, (value) => Array.isArray(value) && value.every(isHost))(target, name);
  };
}

function AreNetworks(): PropertyDecorator {
  return (target, name) => {
    IsArray({ message: NETWORKS })(target, name);
    Satisfies('networks', NETWORKS, (value) => Array.isArray(value) && value.every(isNetwork))(target, name);
  };
}

/** Not the content of one. */
function isPathOrPaths(value: unknown): boolean {
  if (Array.isArray(value) && value.length === 0) return true;
  return isTextOrTexts(value) && [value].flat().every((path) => !String(path).includes('-----BEGIN'));
}

/** Checks what the options of revocation say together; each has the right type already. */
export function checkRevocation({ revocation, trust }: CertificateSettings): readonly ConfigurationProblem[] {
  if (revocation === undefined) return [];
  const path = 'clientCertificate.revocation';
  if (trust === 'proxy' || trust === 'any') {
    const why = `with trust '${trust}' it is not known which CA has issued a certificate`;
    const remedy =
      trust === 'proxy' ? 'check it in the proxy, or give trust: { ca }' : 'leave it out, or trust CAs';
    return [problem(path, revocation, `${why}: ${remedy}`)];
  }
  const { crl, ocsp } = revocation;
  if (crl === undefined && ocsp === undefined)
    return [
      problem(path, revocation, 'say where to look: crl: { files }, crl: { hosts } or ocsp: { hosts }'),
    ];
  return [
    ...checkLists(crl, `${path}.crl`),
    ...checkOcsp(ocsp, `${path}.ocsp`),
    ...(typeof trust === 'string' ? [] : checkFiles(trust, revocation, `${path}.crl.files`)),
  ];
}

function checkLists(crl: RevocationSettings['crl'], path: string): readonly ConfigurationProblem[] {
  const isEmpty = crl !== undefined && [crl.files].flat().length === 0 && crl.hosts.length === 0;
  return isEmpty ? [problem(path, crl, 'name files, or hosts whose lists may be fetched')] : [];
}

/** Of CAs that cannot be used something else is told. */
function checkFiles(
  trust: CaTrust,
  revocation: RevocationSettings,
  path: string,
): readonly ConfigurationProblem[] {
  const cas = certificatesIn(trust);
  const remedy = cas === undefined ? undefined : filesProblem(cas, revocation);
  return remedy === undefined ? [] : [problem(path, revocation.crl?.files, remedy)];
}

function certificatesIn(trust: CaTrust): readonly X509Certificate[] | undefined {
  try {
    const { anchors, between } = readCaTrust(trust);
    return [...anchors, ...between];
  } catch {
    return undefined;
  }
}

function checkOcsp(ocsp: RevocationSettings['ocsp'], path: string): readonly ConfigurationProblem[] {
  const isEmpty = ocsp !== undefined && ocsp.responder === undefined && ocsp.hosts.length === 0;
  return isEmpty ? [problem(path, ocsp, 'name a responder, or hosts that may be asked')] : [];
}

function isWebUrl(value: unknown): boolean {
  if (typeof value !== 'string' || !URL.canParse(value)) return false;
  return allowedUrl(value, { hosts: [new URL(value).host] }) !== undefined;
}
