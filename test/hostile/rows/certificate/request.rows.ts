import type { TestCertificate } from 'nestjs-cert-bound-auth/testing';
import type { HostileKit } from '../../hostile-kit.js';
import {
  INVALID_REQUEST,
  INVALID_TOKEN,
  type Maker,
  NO_CREDENTIALS,
  requestRows,
  type Variants,
} from './certificate-row.js';
import type { HostileRow } from '../../hostile-row.js';
import type { HostileRequest } from '../../request.js';

const FORM = 'application/x-www-form-urlencoded';
const BASIC = `Basic ${Buffer.from('user:password').toString('base64')}`;

/** `Authorization` values. A field that begins with the scheme Bearer and goes on wrongly is malformed: 400. */
const malformed: readonly HostileRow[] = [
  ...requestRows('RFC6750-2', NO_CREDENTIALS, {
    'no Authorization header': (kit) => ({ certificate: kit.client1 }),
    'no Authorization header, no certificate': () => ({ certificate: 'none' }),
    'no Authorization header, HEAD': (kit) => ({ certificate: kit.client1, method: 'HEAD' }),
    'no Authorization header, DELETE': (kit) => ({ certificate: kit.client1, method: 'DELETE' }),
    ...authorizations({
      // Without a scheme there are no credentials, neither right nor malformed.
      'an empty header': () => '',
      Basic: () => BASIC,
      'the token by itself': (kit) => kit.jwt(),
      // These apps do not offer DPoP: it is a scheme as unknown as any other.
      'DPoP with the token': (kit) => `DPoP ${kit.jwt()}`,
      'Token with the token': (kit) => `Token ${kit.jwt()}`,
      'a scheme that begins with Bearer': (kit) => `BearerToken ${kit.jwt()}`,
      'a scheme that ends with Bearer': (kit) => `X-Bearer ${kit.jwt()}`,
      'Basic, then Bearer, in one header': (kit) => `${BASIC}, Bearer ${kit.jwt()}`,
      'a scheme of letters beyond ASCII': (kit) => `B\u00e9arer ${kit.jwt()}`,
    }),
  }),
  ...requestRows('RFC6750-1', INVALID_REQUEST, {
    ...authorizations({
      'Bearer alone': () => 'Bearer',
      'bearer alone': () => 'bearer',
      'Bearer and spaces': () => 'Bearer     ',
      'Bearer and a tab': (kit) => `Bearer\t${kit.jwt()}`,
      'Bearer, a space and a tab': (kit) => `Bearer \t${kit.jwt()}`,
      'Bearer and a comma': () => 'Bearer,',
      'Bearer, a colon and the token': (kit) => `Bearer: ${kit.jwt()}`,
      'Bearer=token': (kit) => `Bearer=${kit.jwt()}`,
      'two tokens': (kit) => `Bearer ${kit.jwt()} ${kit.jwt()}`,
      'the scheme twice': (kit) => `Bearer Bearer ${kit.jwt()}`,
      'two credentials, by a comma': (kit) => `Bearer ${kit.jwt()}, Bearer ${kit.jwt()}`,
      'two credentials, by a comma without a space': (kit) => `Bearer ${kit.jwt()},${BASIC}`,
      'a comma behind the token': (kit) => `Bearer ${kit.jwt()},`,
      'a semicolon behind the token': (kit) => `Bearer ${kit.jwt()};`,
      'the token in quotes': (kit) => `Bearer "${kit.jwt()}"`,
      'the token as a parameter': (kit) => `Bearer token="${kit.jwt()}"`,
      'a percent sign': (kit) => `Bearer ${kit.jwt()}%20`,
      'a backslash': (kit) => `Bearer ${kit.jwt()}\\`,
      'quotes that would end error_description': () => 'Bearer x", error="none", scope="admin',
      'markup in the token': () => 'Bearer <script>alert(1)</script>',
      'equals signs only': () => 'Bearer ====',
      'an equals sign before the end': () => 'Bearer abc=def',
      'letters beyond ASCII': () => 'Bearer t\u00f6ken-of-mine-that-is-long',
      // Values that make a regular expression with backtracking take its time.
      'eight thousand spaces and no token': () => `Bearer${' '.repeat(8000)}!`,
      'eight thousand equals signs and a sign too much': () => `Bearer a${'='.repeat(8000)}!`,
      'eight thousand quotes': () => `Bearer ${'"'.repeat(8000)}`,
    }),
  }),
  ...requestRows('RFC6750-1', INVALID_TOKEN, {
    ...authorizations({
      'eight thousand letters': () => `Bearer ${'A'.repeat(8000)}`,
      'eight thousand letters in three parts': () =>
        `Bearer ${'e'.repeat(2700)}.${'e'.repeat(2700)}.${'e'.repeat(2700)}`,
      'a token of one letter': () => 'Bearer x',
      'a token of one equals sign more': () => 'Bearer abc=',
      'the token "null"': () => 'Bearer null',
      'the token "undefined"': () => 'Bearer undefined',
      'the token "__proto__"': () => 'Bearer __proto__',
      'the scheme as the token': () => 'Bearer Bearer',
    }),
  }),
];

function authorizations(values: Variants<string>): Variants<HostileRequest> {
  return Object.fromEntries(
    Object.entries(values).map(([name, value]) => [
      name,
      (kit: HostileKit) => ({ authorization: value(kit), certificate: kit.client1 }),
    ]),
  );
}

/** Which of several a proxy, a cache and the API look at may differ: so none of them counts. */
const repeated: readonly HostileRow[] = requestRows('RFC6750-4', INVALID_REQUEST, {
  'the same Authorization header twice': (kit) => {
    const value = `Bearer ${kit.jwt()}`;
    return both(kit, value, 'Authorization', value);
  },
  'two Authorization headers, good and bad': (kit) =>
    both(kit, `Bearer ${kit.jwt()}`, 'Authorization', 'Bearer x'),
  'two Authorization headers, bad and good': (kit) =>
    both(kit, 'Bearer x', 'Authorization', `Bearer ${kit.jwt()}`),
  'two Authorization headers in different case': (kit) =>
    both(kit, `Bearer ${kit.jwt()}`, 'aUTHORIZATION', `Bearer ${kit.jwt()}`),
  'two Authorization headers, Bearer and Basic': (kit) =>
    both(kit, `Bearer ${kit.jwt()}`, 'Authorization', BASIC),
  'two Authorization headers, Basic and Bearer': (kit) =>
    both(kit, BASIC, 'Authorization', `Bearer ${kit.jwt()}`),
  'two Authorization headers, the second empty': (kit) =>
    both(kit, `Bearer ${kit.jwt()}`, 'Authorization', ''),
  'three Authorization headers': (kit) => ({
    ...both(kit, `Bearer ${kit.jwt()}`, 'Authorization', 'Bearer x'),
    headers: ['Authorization', 'Bearer x', 'Authorization', 'Bearer y'],
  }),
});

function both(kit: HostileKit, authorization: string, name: string, value: string): HostileRequest {
  return { authorization, headers: [name, value], certificate: kit.client1 };
}

/** RFC 9700 §4.3.2: not in the query; RFC 6750 §2.2 is not offered; RFC 6750 §2: one way only. */
const elsewhere: readonly HostileRow[] = [
  ...requestRows('RFC9700', NO_CREDENTIALS, {
    'token in the query': (kit) => ({ certificate: kit.client1, query: `access_token=${kit.jwt()}` }),
    'token in the query, name percent-encoded': (kit) => ({
      certificate: kit.client1,
      query: `access%5Ftoken=${kit.jwt()}`,
    }),
    'token in the form': (kit) => form(kit, `access_token=${kit.jwt()}`),
    'token in the form, by PUT': (kit) => ({ ...form(kit, `access_token=${kit.jwt()}`), method: 'PUT' }),
    'token in the query and in the form': (kit) => ({
      ...form(kit, `access_token=${kit.jwt()}`),
      query: `access_token=${kit.jwt()}`,
    }),
    'token in a JSON body': (kit) => jsonBody(kit, { access_token: kit.jwt() }),
    'token in the query, Basic in the header': (kit) => ({
      authorization: BASIC,
      certificate: kit.client1,
      query: `access_token=${kit.jwt()}`,
    }),
    ...inHeader('token in a cookie', 'Cookie', (kit) => `access_token=${kit.jwt()}`),
    ...inHeader(
      'token in a cookie called Authorization',
      'Cookie',
      (kit) => `Authorization=Bearer ${kit.jwt()}`,
    ),
    ...inHeader('token in X-Access-Token', 'X-Access-Token', (kit) => kit.jwt()),
    ...inHeader('token in Proxy-Authorization', 'Proxy-Authorization', (kit) => `Bearer ${kit.jwt()}`),
    ...inHeader('token in X-Authorization', 'X-Authorization', (kit) => `Bearer ${kit.jwt()}`),
    ...inHeader(
      'token in X-Forwarded-Authorization',
      'X-Forwarded-Authorization',
      (kit) => `Bearer ${kit.jwt()}`,
    ),
    ...inHeader('token in X-Forwarded-Access-Token', 'X-Forwarded-Access-Token', (kit) => kit.jwt()),
    ...inHeader('token in Sec-WebSocket-Protocol', 'Sec-WebSocket-Protocol', (kit) => kit.jwt()),
  }),
  ...requestRows('RFC6750-4', INVALID_REQUEST, {
    'header and query': (kit) => kit.bearer(kit.jwt(), { query: `access_token=${kit.jwt()}` }),
    'header and query, the same token': (kit) => {
      const token = kit.jwt();
      return kit.bearer(token, { query: `access_token=${token}` });
    },
    'header and query, behind another parameter': (kit) =>
      kit.bearer(kit.jwt(), { query: 'a=1&access_token=x' }),
    'header and query, twice': (kit) => kit.bearer(kit.jwt(), { query: 'access_token=x&access_token=y' }),
    'header and query, name percent-encoded': (kit) => kit.bearer(kit.jwt(), { query: 'access%5Ftoken=x' }),
    'header and query, each letter percent-encoded': (kit) =>
      kit.bearer(kit.jwt(), { query: '%61%63%63%65%73%73%5f%74%6f%6b%65%6e=x' }),
    'bad header and good query': (kit) => kit.bearer('x', { query: `access_token=${kit.jwt()}` }),
    'header and form': (kit) => ({ ...form(kit, `access_token=${kit.jwt()}`), ...kit.bearer(kit.jwt()) }),
    'header and form, by PUT': (kit) => ({
      ...form(kit, 'access_token=x'),
      ...kit.bearer(kit.jwt()),
      method: 'PUT',
    }),
    'header and form, name percent-encoded': (kit) => ({
      ...form(kit, 'access%5Ftoken=x'),
      ...kit.bearer(kit.jwt()),
    }),
    'header and form, type with a charset': (kit) => ({
      ...kit.bearer(kit.jwt()),
      body: { type: `${FORM}; charset=UTF-8`, text: 'access_token=x' },
    }),
    'header, query and form': (kit) => ({
      ...form(kit, 'access_token=x'),
      ...kit.bearer(kit.jwt(), { query: 'access_token=x' }),
    }),
  }),
];

function form(kit: HostileKit, text: string): HostileRequest {
  return { certificate: kit.client1, body: { type: FORM, text } };
}

function jsonBody(kit: HostileKit, content: object): HostileRequest {
  return { certificate: kit.client1, body: { type: 'application/json', text: JSON.stringify(content) } };
}

function inHeader(name: string, header: string, value: Maker<string>): Variants<HostileRequest> {
  return { [name]: (kit) => ({ certificate: kit.client1, headers: [header, value(kit)] }) };
}

/** How proxies pass a certificate on (client-certificate-carriers.md). No app here has a proxy. */
const CARRIERS: Readonly<Record<string, (certificate: TestCertificate) => string>> = {
  'Client-Cert': (certificate) => `:${certificate.der.toString('base64')}:`,
  'X-SSL-Cert': escapedPem,
  'ssl-client-cert': escapedPem,
  'X-Forwarded-Client-Cert': (certificate) =>
    `Hash=${Buffer.from(certificate.thumbprint, 'base64url').toString('hex')};Cert="${escapedPem(certificate)}"`,
  'X-Forwarded-Tls-Client-Cert': base64Der,
  'X-Amzn-Mtls-Clientcert-Leaf': escapedPem,
  'X-Amzn-Mtls-Clientcert': escapedPem,
  'X-ARR-ClientCert': base64Der,
  'Cf-Client-Cert-Der-Base64': base64Der,
  'CloudFront-Viewer-Cert-Pem': escapedPem,
  'X-Client-Cert': (certificate) => certificate.cert.replaceAll('\n', ' ').trim(),
  'X-Client-Cert-Thumbprint': (certificate) => certificate.thumbprint,
};

function escapedPem(certificate: TestCertificate): string {
  return encodeURIComponent(certificate.cert);
}

function base64Der(certificate: TestCertificate): string {
  return certificate.der.toString('base64');
}

const spoofed: readonly HostileRow[] = [
  ...requestRows(
    'INV2 certificate of client1 in a header, none on the connection',
    INVALID_TOKEN,
    carriedBy(() => 'none'),
  ),
  ...requestRows(
    'INV2 certificate of client1 in a header, client2 on the connection',
    INVALID_TOKEN,
    carriedBy((kit) => kit.client2),
  ),
  ...requestRows('RFC9440', INVALID_TOKEN, {
    'all carriers at once, none on the connection': (kit) =>
      kit.bearer(kit.jwt(), {
        certificate: 'none',
        headers: carriersOf(kit.client1, ['Client-Cert', 'ssl-client-cert', 'X-ARR-ClientCert']),
      }),
    'Client-Cert twice': (kit) =>
      kit.bearer(kit.jwt(), {
        certificate: 'none',
        headers: [...carriersOf(kit.client2, ['Client-Cert']), ...carriersOf(kit.client1, ['Client-Cert'])],
      }),
    'Client-Cert said to be verified': (kit) =>
      kit.bearer(kit.jwt(), {
        certificate: 'none',
        headers: ['ssl-client-verify', 'SUCCESS', ...carriersOf(kit.client1, ['ssl-client-cert'])],
      }),
    'Client-Cert from a proxy on this host, as X-Forwarded-For says': (kit) =>
      kit.bearer(kit.jwt(), {
        certificate: 'none',
        headers: [
          'X-Forwarded-For',
          '127.0.0.1',
          'Forwarded',
          'for=127.0.0.1;proto=https',
          ...carriersOf(kit.client1, ['Client-Cert']),
        ],
      }),
    'Client-Cert of an untrusted certificate, whose token it is': (kit) =>
      kit.bearer(kit.jwt({ claims: { cnf: { 'x5t#S256': kit.certificates.untrusted.thumbprint } } }), {
        headers: carriersOf(kit.certificates.untrusted, ['Client-Cert']),
      }),
  }),
];

function carriedBy(connection: Maker<TestCertificate | 'none'>): Variants<HostileRequest> {
  return Object.fromEntries(
    Object.keys(CARRIERS).map((header) => [
      header,
      (kit: HostileKit) =>
        kit.bearer(kit.jwt(), { certificate: connection(kit), headers: carriersOf(kit.client1, [header]) }),
    ]),
  );
}

function carriersOf(certificate: TestCertificate, headers: readonly string[]): readonly string[] {
  return headers.flatMap((header) => [header, CARRIERS[header]?.(certificate) ?? '']);
}

/** Headers by which some frameworks take a request for another one. */
const disguised: readonly HostileRow[] = [
  ...requestRows('INV2', NO_CREDENTIALS, {
    ...disguisedAs('X-HTTP-Method-Override', 'OPTIONS'),
    ...disguisedAs('X-Original-URL', '/public'),
    ...disguisedAs('X-Rewrite-URL', '/public'),
    ...disguisedAs('X-Forwarded-Path', '/public'),
    ...disguisedAs('X-Forwarded-User', 'administrator'),
    ...disguisedAs('X-Forwarded-For', '127.0.0.1'),
    ...disguisedAs('X-Credential-Scope', 'accounts:read'),
    'a query of _method': (kit) => ({ certificate: kit.client1, query: '_method=OPTIONS' }),
  }),
  ...requestRows('INV2', INVALID_TOKEN, {
    'no certificate, X-Forwarded-Proto and -Port': (kit) =>
      kit.bearer(kit.jwt(), {
        certificate: 'none',
        headers: ['X-Forwarded-Proto', 'https', 'X-Forwarded-Port', '443'],
      }),
  }),
];

function disguisedAs(header: string, value: string): Variants<HostileRequest> {
  return { [`${header}: ${value}`]: (kit) => ({ certificate: kit.client1, headers: [header, value] }) };
}

/** How a request carries its credentials. */
export const REQUEST_ROWS = [...malformed, ...repeated, ...elsewhere, ...spoofed, ...disguised];
