import type { CertificateName, FuzzKit } from '../fuzz-kit.js';
import type { SentHeader } from '../oracle/observation.js';
import type { CertificatePolicy } from '../oracle/policy.js';
import type { Setup } from '../setups.js';
import { base64Of, hexDigestOf, pemOf } from '../../client-certificate/header/certificates.js';
import type { CertificateHeaderChange, Change } from './plan.js';

type Format = Extract<CertificatePolicy, { readonly from: 'header' }>['format'];

/** The headers of a proxy that has seen the client's certificate: none where certificates come by TLS. */
export function certificateHeaders(
  { kit, setup }: { readonly kit: FuzzKit; readonly setup: Setup },
  changes: readonly Change[],
): readonly SentHeader[] {
  const { certificate: policy } = setup.policy;
  if (policy.from === 'tls') return strayHeaders(changes);
  const name = changes.reduce<CertificateName | 'none'>(
    (chosen, change) => (change.at === 'certificate' ? change.name : chosen),
    'client1',
  );
  const verdict: readonly SentHeader[] =
    policy.verify === undefined ? [] : [[policy.verify.name, verdictOf(changes) ?? policy.verify.value]];
  if (name === 'none') return verdict;
  const { der } = kit.certificates[name];
  let headers: readonly SentHeader[] = [[policy.header, written(der, policy.format)]];
  for (const change of changes) {
    if (change.at === 'certificate header') {
      headers = changed(headers, change.how, {
        format: policy.format,
        der,
        kit,
        text: change.text,
        name: policy.header,
      });
    }
  }
  return [...headers, ...verdict];
}

/** Where certificates come by TLS, a header that claims another one means nothing. */
function strayHeaders(changes: readonly Change[]): readonly SentHeader[] {
  return changes.flatMap((change): readonly SentHeader[] =>
    change.at === 'certificate header' ? [['Client-Cert', change.text]] : [],
  );
}

function verdictOf(changes: readonly Change[]): string | undefined {
  return changes.flatMap((change) => (change.at === 'verdict' ? [change.value] : [])).at(-1);
}

function written(der: Buffer, format: Format): string {
  switch (format) {
    case 'rfc9440':
      return `:${base64Of(der)}:`;
    case 'pem':
      return encodeURIComponent(pemOf(der));
    case 'der':
    case 'single-der':
      return base64Of(der);
    case 'xfcc':
      return `By=spiffe://mesh/api;Hash=${hexDigestOf(der)};Cert="${encodeURIComponent(pemOf(der))}";Subject="CN=client-1";URI=`;
  }
}

interface Writing {
  readonly format: Format;
  readonly der: Buffer;
  readonly kit: FuzzKit;
  readonly text: string;
  readonly name: string;
}

function changed(
  headers: readonly SentHeader[],
  how: CertificateHeaderChange,
  writing: Writing,
): readonly SentHeader[] {
  const { name, text, format, der, kit } = writing;
  const value = headers[0]?.[1] ?? '';
  const other = written(kit.certificates.client2.der, format);
  switch (how) {
    case 'none':
      return [];
    case 'twice':
      return [...headers, [name, other]];
    case 'twice, other case of the name':
      return [[name.toUpperCase(), other], ...headers];
    case 'underscores':
      return [[name.replaceAll('-', '_'), value]];
    default:
      return [[name, changedValue(value, how, { text, other, der, kit, format })]];
  }
}

function changedValue(
  value: string,
  how: Exclude<CertificateHeaderChange, 'none' | 'twice' | 'twice, other case of the name' | 'underscores'>,
  { text, other, der, kit, format }: Omit<Writing, 'name'> & { readonly other: string },
): string {
  const middle = value.length >> 1;
  switch (how) {
    case 'of another client':
      return other;
    case 'two joined':
      return `${value},${other}`;
    case 'text':
      return text;
    case 'text before':
      return text + value;
    case 'text behind':
      return value + text;
    case 'text within':
      return value.slice(0, middle) + text + value.slice(middle);
    case 'percent-encoded':
      return encodeURIComponent(value);
    case 'percent-encoded twice':
      return encodeURIComponent(encodeURIComponent(value));
    case 'percent signs':
      return value.replaceAll('A', '%41');
    case 'other alphabet':
      return value.replaceAll('+', '-').replaceAll('/', '_');
    case 'no padding':
      return value.replaceAll('=', '');
    case 'cut':
      return value.slice(0, -7);
    case 'byte behind the DER':
      return written(Buffer.concat([der, Buffer.from([0])]), format);
    case 'byte changed':
      return written(withByteChanged(der), format);
    case 'in quotes':
      return `"${value}"`;
    case 'spaces for plus signs':
      return value.replaceAll('+', ' ');
    case 'another format':
      return written(der, format === 'pem' ? 'rfc9440' : 'pem');
    case 'with its chain':
      return withChain(value, der, kit.ca.der, format);
    case 'hop in front':
      return `${other},${value}`;
    case 'hop behind':
      return `${value},By=spiffe://mesh/api;Hash=${hexDigestOf(kit.certificates.client2.der)}`;
    case 'hash only':
      return `Hash=${hexDigestOf(der)}`;
    case 'hash of another':
      return `Hash=${hexDigestOf(der)};Cert="${encodeURIComponent(pemOf(kit.certificates.client2.der))}"`;
  }
}

function withByteChanged(der: Buffer): Buffer {
  const bytes = Buffer.from(der);
  const at = bytes.length - 3;
  bytes.writeUInt8(bytes.readUInt8(at) ^ 1, at);
  return bytes;
}

function withChain(value: string, der: Buffer, ca: Buffer, format: Format): string {
  switch (format) {
    case 'pem':
      return encodeURIComponent(pemOf(der) + pemOf(ca));
    case 'xfcc':
      return `${value};Chain="${encodeURIComponent(pemOf(der) + pemOf(ca))}"`;
    default:
      return `${value},${base64Of(ca)}`;
  }
}
