import { X509Certificate } from 'node:crypto';
import { forwardedBy } from '../client-certificate/header/presets.js';
import type { HeaderClientCertificateOptions } from '../cert-bound-auth.options.js';
import { readTokenShape } from '../jose/token-shape.js';
import { isJsonObject } from '../jose/json-object.js';
import type { Api, ClientIdentity } from './api.js';
import type { Asked } from './ask.js';
import { callApi, describe, isPast } from './call-api.js';
import { notChecked, ok, problem, type Seen } from './finding.js';

type Format = 'pem' | 'der' | 'rfc9440' | 'xfcc';

/** A header in which some proxy passes a certificate on, and what goes with it. */
interface CertificateHeader {
  readonly name: string;
  readonly format: Format;
  readonly besides: Readonly<Record<string, string>>;
}

/** What those are called whose name is for the user to choose. */
const USUAL_NAMES = [
  'x-client-cert',
  'x-ssl-client-cert',
  'x-ssl-cert',
  'x-tls-client-cert',
  'x-client-certificate',
];

/** The verdict of a proxy, likewise. */
const USUAL_VERDICT = 'x-ssl-verify';
const SUCCESS: Readonly<Record<Format, string>> = {
  pem: 'SUCCESS',
  der: '0',
  rfc9440: 'true',
  xfcc: 'SUCCESS',
};

/** The header of every preset, once in each of its formats. */
export function headersOfPresets(): readonly CertificateHeader[] {
  const presets = Object.values(forwardedBy) as readonly ((
    options: object,
  ) => HeaderClientCertificateOptions)[];
  const all = presets.flatMap((preset) => {
    const { header, format, verifyHeader } = preset({ trust: 'proxy', trustedProxies: ['loopback'] });
    const named = formatOf(format);
    return (header === undefined ? USUAL_NAMES : [header]).map((name) =>
      headerNamed(name, named, verifyHeader),
    );
  });
  return [...new Map(all.map((each) => [`${each.name} ${each.format}`, each])).values()];
}

function headerNamed(
  name: string,
  format: Format,
  verifyHeader: HeaderClientCertificateOptions['verifyHeader'] = USUAL_VERDICT,
): CertificateHeader {
  const [verdict, value] =
    typeof verifyHeader === 'string'
      ? [verifyHeader, SUCCESS[format]]
      : [verifyHeader.name, verifyHeader.value];
  return { name: name.toLowerCase(), format, besides: { [verdict]: value } };
}

function formatOf(format: HeaderClientCertificateOptions['format']): Format {
  if (typeof format === 'string') return format;
  return typeof format === 'object' && 'xfcc' in format ? 'xfcc' : 'der';
}

/** So many calls are under way at once. */
const AT_ONCE = 6;

/**
 * Whether somebody without the key of a certificate is believed to have it, for a header says so: the token of a client is
 * sent with the client's certificate in a header.
 * @param where to send it, if not to the API as clients see it
 */
export async function seeForgedHeader(
  api: Api,
  owner: Asked,
  stranger: ClientIdentity | undefined,
  signal: AbortSignal,
  where: URL = api.url,
): Promise<Seen> {
  const { token, client } = api;
  if (token === undefined || client === undefined)
    return notChecked('give a token and its certificate by --token-file, --cert and --key');
  if (!isBoundToCertificate(token)) return notChecked('the token is not bound to a certificate');
  const send = async (headers: Readonly<Record<string, string>>): Promise<Asked> =>
    callApi(api, { url: where, client: stranger, token, headers, signal });
  const plain = await send({});
  if (plain.kind === 'refused') return notChecked(`${NOT_LET_IN} (${plain.problem})`);
  if (plain.kind === 'failed') return notChecked(plain.problem);
  if (isPast(plain)) return notChecked('the token is accepted without its certificate in any case');
  const headers = [...configuredHeader(api), ...headersOfPresets()];
  const passing = await passingAmong(headers, async ({ name, format, besides }) =>
    isPast(await send({ [name]: encoded(client.cert, format), ...besides })),
  );
  if (passing === undefined && !isPast(owner))
    return notChecked(
      'the token is not accepted from its client either: that no header is believed says nothing',
    );
  if (passing === undefined)
    return ok(
      `no forged certificate header of ${headers.length} is believed (${describe(plain)} without one)`,
    );
  return problem(
    `who sends the header ${passing.name} is believed to hold the key of the certificate in it (format ${passing.format})`,
    'Have the proxy replace or remove this header on every way to the API, and name in trustedProxies nothing but the proxy.',
  );
}

const NOT_LET_IN =
  'whoever has no certificate that the server trusts is not let in: give one of another client by --other-cert and --other-key';

function isBoundToCertificate(token: string): boolean {
  const shape = readTokenShape(token);
  if (shape.kind !== 'jwt') return true;
  const { cnf } = shape.payload as { readonly cnf?: unknown };
  return isJsonObject(cnf) && Object.hasOwn(cnf, 'x5t#S256');
}

function configuredHeader({ configured }: Api): readonly CertificateHeader[] {
  const header = configured?.header;
  return header === undefined
    ? []
    : [headerNamed(header.header, formatOf(header.format), header.verifyHeader)];
}

async function passingAmong(
  headers: readonly CertificateHeader[],
  passes: (header: CertificateHeader) => Promise<boolean>,
): Promise<CertificateHeader | undefined> {
  if (headers.length === 0) return undefined;
  const some = headers.slice(0, AT_ONCE);
  const passed = await Promise.all(some.map(passes));
  return some.find((_, index) => passed[index]) ?? passingAmong(headers.slice(AT_ONCE), passes);
}

function encoded(pem: string, format: Format): string {
  const certificate = new X509Certificate(pem);
  const der = certificate.raw.toString('base64');
  switch (format) {
    case 'pem':
      return encodeURIComponent(certificate.toString());
    case 'der':
      return der;
    case 'rfc9440':
      return `:${der}:`;
    case 'xfcc':
      return `Cert="${encodeURIComponent(certificate.toString())}"`;
  }
}
