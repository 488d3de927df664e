import { randomBytes } from 'node:crypto';
import type { HostileRequest } from '../../request.js';
import { base64url, compactJws, jsonText, signedText } from '../../raw-jws.js';
import { type DpopKit } from '../../dpop-kit.js';
import { PUBLIC_URL } from '../../hostile-kit.js';
import {
  ACCEPTED,
  headerRows,
  INVALID_EITHER,
  INVALID_PROOF,
  INVALID_REQUEST,
  requestRows,
  textRows,
  type Variants,
} from './dpop-row.js';
import type { HostileRow } from '../../hostile-row.js';

/** RFC 9449 §4.3, 1: not more than one field; and where it is not to be found. */
const fields: readonly HostileRow[] = requestRows('RFC9449-1', INVALID_PROOF, {
  'no DPoP header': (kit) => ({ authorization: `DPoP ${kit.jwt()}`, certificate: 'none' }),
  'no DPoP header, but the certificate of the client': (kit) => ({
    authorization: `DPoP ${kit.jwt()}`,
    certificate: kit.hostile.client1,
  }),
  'no DPoP header, opaque token': (kit) => ({ authorization: `DPoP ${kit.opaque()}`, certificate: 'none' }),
  'no DPoP header, HEAD': (kit) => ({
    authorization: `DPoP ${kit.jwt()}`,
    certificate: 'none',
    method: 'HEAD',
  }),
  ...headers({
    'the same DPoP header twice': (proof) => ['DPoP', proof, 'DPoP', proof],
    'the same DPoP header twice, in different case': (proof) => ['DPoP', proof, 'dpop', proof],
    'two DPoP headers, both right': (proof, kit, token) => ['DPoP', proof, 'DPoP', kit.proof(token)],
    'two DPoP headers, good and bad': (proof) => ['DPoP', proof, 'DPoP', 'x'],
    'two DPoP headers, bad and good': (proof) => ['DPoP', 'x', 'DPoP', proof],
    'two DPoP headers, the second empty': (proof) => ['DPoP', proof, 'DPoP', ''],
    'two DPoP headers, the first empty': (proof) => ['DPoP', '', 'DPoP', proof],
    'three DPoP headers': (proof) => ['DPoP', proof, 'DPoP', proof, 'DPoP', proof],
    'a hundred DPoP headers': (proof) => [
      'DPoP',
      proof,
      ...Array.from({ length: 99 }, () => ['DPoP', 'x']).flat(),
    ],
    'the proof in X-DPoP': (proof) => ['X-DPoP', proof],
    'the proof in DPoP-Proof': (proof) => ['DPoP-Proof', proof],
    'the proof in a cookie': (proof) => ['Cookie', `DPoP=${proof}`],
    'the proof in Proxy-DPoP, an empty one in DPoP': (proof) => ['Proxy-DPoP', proof, 'DPoP', ''],
  }),
  'the proof in the query': (kit) => {
    const token = kit.jwt();
    return { authorization: `DPoP ${token}`, certificate: 'none', query: `DPoP=${kit.proof(token)}` };
  },
});

type HeadersOf = (proof: string, kit: DpopKit, token: string) => readonly string[];

function headers(values: Readonly<Record<string, HeadersOf>>): Variants<HostileRequest> {
  return Object.fromEntries(
    Object.entries(values).map(([name, headersOf]) => [
      name,
      (kit: DpopKit) => {
        const token = kit.jwt();
        const sent = headersOf(kit.proof(token), kit, token);
        return { authorization: `DPoP ${token}`, certificate: 'none', headers: sent };
      },
    ]),
  );
}

/** RFC 9449 §4.3, 2: a single and well-formed JWT. */
const texts: readonly HostileRow[] = [
  ...textRows('RFC9449-1 text', INVALID_PROOF, {
    empty: () => '',
    'a word': () => 'proof',
    null: () => 'null',
    undefined: () => 'undefined',
    'beyond ASCII': () => 'pr\u00f6\u00f6f',
    'the token': (_, token) => token,
    'with the scheme before it': (kit, token) => `DPoP ${kit.proof(token)}`,
    'in quotes': (kit, token) => `"${kit.proof(token)}"`,
    'in angle brackets': (kit, token) => `<${kit.proof(token)}>`,
    'between colons': (kit, token) => `:${kit.proof(token)}:`,
    'base64url twice': (kit, token) => base64url(kit.proof(token)),
    'two, by a comma': (kit, token) => `${kit.proof(token)}, ${kit.proof(token)}`,
    'two, by a comma without a space': (kit, token) => `${kit.proof(token)},${kit.proof(token)}`,
    'two, by a space': (kit, token) => `${kit.proof(token)} ${kit.proof(token)}`,
    'the same twice, by a comma': (kit, token) => doubled(kit.proof(token)),
    'a comma behind it': (kit, token) => `${kit.proof(token)},`,
    'a comma before it': (kit, token) => `,${kit.proof(token)}`,
    'a semicolon and a parameter behind it': (kit, token) => `${kit.proof(token)};q=1`,
    'a space within': (kit, token) => within(kit.proof(token), ' '),
    'a tab within': (kit, token) => within(kit.proof(token), '\t'),
    'an asterisk within': (kit, token) => within(kit.proof(token), '*'),
    'a percent sign within': (kit, token) => within(kit.proof(token), '%'),
    'spaces around the dots': (kit, token) => kit.proof(token).replaceAll('.', ' . '),
    'one dot too many, behind': (kit, token) => `${kit.proof(token)}.`,
    'one dot too many, before': (kit, token) => `.${kit.proof(token)}`,
    'one dot too many, in the middle': (kit, token) => kit.proof(token).replace('.', '..'),
    'four parts': (kit, token) => `${kit.proof(token)}.AAAA`,
    'two parts': (kit, token) => kit.proof(token).split('.').slice(0, 2).join('.'),
    'one part': (kit, token) => kit.proof(token).split('.').slice(0, 1).join('.'),
    'five parts, encrypted': (kit, token) => encrypted(kit, token),
    'eight thousand dots': () => '.'.repeat(8000),
    'three empty parts': () => '..',
    'an empty header': (kit, token) => kit.proof(token).replace(/^[^.]*/, ''),
    'an empty payload, signed': (kit) =>
      signedText(`${base64url(jsonText(kit.header()))}.`, kit.keys.client.signer),
    'a header of one character, which is no byte': (kit, token) => kit.proof(token).replace(/^[^.]*/, 'e'),
    'a disclosure of SD-JWT behind it': (kit, token) => `${kit.proof(token)}~WyJzYWx0Il0~`,
    'JSON serialisation': (kit, token) => {
      const [head, payload, signature] = kit.proof(token).split('.');
      return JSON.stringify({ protected: head, payload, signature });
    },
    'of 4,097 to 4,100 characters': (kit, token) => kit.proofOfLength(token, 4100),
    'of 12,000 characters': (kit, token) => kit.proofOfLength(token, 12_000),
    'eight thousand letters': () => 'A'.repeat(8000),
  }),
  ...textRows('RFC9449-1 base64url', INVALID_PROOF, {
    'a padded header, signed': (kit, token) => reencoded(kit, token, (part) => `${part}==`, same),
    'a padded payload, signed': (kit, token) => reencoded(kit, token, same, (part) => `${part}=`),
    'a padded signature': (kit, token) => `${kit.proof(token)}==`,
    'a payload in the standard alphabet, signed': (kit, token) => {
      // Three question marks in a row, however they fall, have a `/`.
      const text = jsonText(kit.claims(token, { note: '?'.repeat(6) }));
      const payload = Buffer.from(text).toString('base64').replaceAll('=', '');
      return signedText(`${base64url(jsonText(kit.header()))}.${payload}`, kit.keys.client.signer);
    },
    'a signature in the standard alphabet': (kit, token) => standardAlphabet(kit, token),
    'a signature whose last character is not canonical': (kit, token) => nonCanonical(kit.proof(token)),
    'a payload whose last character is not canonical, signed': (kit, token) =>
      reencoded(kit, token, same, nonCanonicalPart),
    'a line of spaces in the payload, signed': (kit, token) =>
      reencoded(kit, token, same, (part) => within(part, '  ')),
  }),
];

function doubled(proof: string): string {
  return `${proof}, ${proof}`;
}

function within(text: string, sign: string): string {
  return `${text.slice(0, 20)}${sign}${text.slice(20)}`;
}

function same(part: string): string {
  return part;
}

/** Encodes header and payload otherwise, and signs what came of it. */
function reencoded(
  kit: DpopKit,
  token: string,
  header: (part: string) => string,
  payload: (part: string) => string,
): string {
  // Lengths that leave room for padding and for bits that say nothing: 3n + 1 and 3n + 2 bytes.
  const head = base64url(padded(jsonText(kit.header()), 1));
  const body = base64url(padded(jsonText(kit.claims(token)), 2));
  return signedText(`${header(head)}.${payload(body)}`, kit.keys.client.signer);
}

/** JSON with spaces behind it, up to a length of 3n and this rest. */
function padded(json: string, rest: number): string {
  return json.length % 3 === rest ? json : padded(`${json} `, rest);
}

/** 64 bytes leave four bits of the last character unused. */
function nonCanonical(proof: string): string {
  const [head, payload, signature = ''] = proof.split('.');
  return `${head}.${payload}.${nonCanonicalPart(signature)}`;
}

const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';

/** The same bytes to a lenient decoder: the last character is the next one, which differs in unused bits only. */
function nonCanonicalPart(part: string): string {
  return part.slice(0, -1) + (ALPHABET[ALPHABET.indexOf(part.slice(-1)) + 1] ?? '');
}

/** Signs until the signature has a character in which the two alphabets differ. */
function standardAlphabet(kit: DpopKit, token: string): string {
  for (;;) {
    const [head, payload, signature = ''] = kit.proof(token).split('.');
    const standard = signature.replaceAll('-', '+').replaceAll('_', '/');
    if (standard !== signature) return `${head}.${payload}.${standard}`;
  }
}

function encrypted(kit: DpopKit, token: string): string {
  const header = jsonText(kit.header({ alg: 'ECDH-ES', enc: 'A128GCM' }));
  const parts = [
    Buffer.from(header),
    Buffer.alloc(0),
    randomBytes(12),
    Buffer.from(jsonText(kit.claims(token))),
  ];
  return [...parts, randomBytes(16)].map(base64url).join('.');
}

/** A header, or a payload, that is not one JSON object in UTF-8 with each name once. All are rightly signed. */
const json: readonly HostileRow[] = [
  ...textRows('RFC9449-1 header', INVALID_PROOF, {
    'that is null': withHeader(() => 'null'),
    'that is an array': withHeader((header) => `[${header}]`),
    'that is a string': withHeader((header) => JSON.stringify(header)),
    'that is a number': withHeader(() => '1'),
    'that is an empty object': withHeader(() => '{}'),
    'with a comma too much': withHeader((header) => `${header.slice(0, -1)},}`),
    'with single quotes': withHeader((header) => header.replaceAll('"', "'")),
    'with rubbish behind': withHeader((header) => `${header}{}`),
    'cut short': withHeader((header) => header.slice(0, -1)),
    'in invalid UTF-8': withHeader((header) => invalidUtf8(header)),
    'in UTF-16': withHeader((header) => Buffer.from(header, 'utf16le')),
    'with everything in __proto__': withHeader((header) => `{"__proto__":${header}}`),
    'nested 1,200 deep': withHeader(() => '['.repeat(1200) + ']'.repeat(1200)),
  }),
  ...textRows('RFC9449-1 payload', INVALID_PROOF, {
    'that is null': withPayload(() => 'null'),
    'that is an array': withPayload((claims) => `[${claims}]`),
    'that is a string of the claims': withPayload((claims) => JSON.stringify(claims)),
    'that is a number': withPayload(() => '0'),
    'that is true': withPayload(() => 'true'),
    'that is an empty object': withPayload(() => '{}'),
    'that is a JWT (nested)': (kit, token) =>
      compactJws(jsonText(kit.header({ cty: 'JWT' })), kit.proof(token), kit.keys.client.signer),
    'with a comma too much': withPayload((claims) => `${claims.slice(0, -1)},}`),
    'with rubbish behind': withPayload((claims) => `${claims}x`),
    'with a NUL behind': withPayload((claims) => `${claims}\0`),
    'with a comment': withPayload((claims) => `/**/${claims}`),
    'with iat NaN': withPayload((claims) => claims.replace(/"iat":\d+/, '"iat":NaN')),
    'in invalid UTF-8': withPayload((claims) => invalidUtf8(claims)),
    'in UTF-16': withPayload((claims) => Buffer.from(claims, 'utf16le')),
    'with everything in __proto__': withPayload((claims) => `{"__proto__":${claims}}`),
  }),
];

/**
 * RFC 7515 §4 and RFC 7519 §4 have such a JWT be refused, or its last member count. Here the last one counts, as in
 * every JSON parser of JavaScript: it is what was signed, and nothing else reads the proof.
 */
const repeated: readonly HostileRow[] = [
  ...textRows('RFC9449-1 header', ACCEPTED, {
    'with jwk twice, the last one right': withHeader(
      (header, kit) => `{"jwk":${JSON.stringify(kit.keys.other.jwk)},${header.slice(1)}`,
    ),
    'with alg twice, the last one right': withHeader((header) => `{"alg":"none",${header.slice(1)}`),
    'with typ twice, the last one right': withHeader((header) => `{"typ":"JWT",${header.slice(1)}`),
    'with typ twice, one of them escaped': withHeader((header) => `{"\\u0074yp":"JWT",${header.slice(1)}`),
    'with x twice in the jwk': withHeader((header, kit) =>
      header.replace('"x":', `"x":"${kit.keys.other.jwk['x']}","x":`),
    ),
  }),
  ...textRows('RFC9449-1 payload', ACCEPTED, {
    'with htu twice, the last one right': withPayload(
      (claims) => `{"htu":"https://evil.example/main",${claims.slice(1)}`,
    ),
    'with htu twice, both right': withPayload(
      (claims) => `${claims.slice(0, -1)},"htu":"${PUBLIC_URL}/main"}`,
    ),
    'with jti twice': withPayload((claims) => `{"jti":"another",${claims.slice(1)}`),
    'with htm twice, one of them escaped': withPayload((claims) => `{"\\u0068tm":"POST",${claims.slice(1)}`),
  }),
  ...textRows('RFC9449-1 payload', INVALID_PROOF, {
    'with htu twice, the first one right': withPayload(
      (claims) => `${claims.slice(0, -1)},"htu":"https://evil.example/main"}`,
    ),
  }),
  ...textRows('RFC9449-1 header', INVALID_EITHER, {
    'with jwk twice, the first one right': withHeader(
      (header, kit) => `${header.slice(0, -1)},"jwk":${JSON.stringify(kit.keys.other.jwk)}}`,
    ),
  }),
];

function withHeader(
  change: (header: string, kit: DpopKit) => string | Buffer,
): (kit: DpopKit, token: string) => string {
  return (kit, token) =>
    compactJws(change(jsonText(kit.header()), kit), jsonText(kit.claims(token)), kit.keys.client.signer);
}

function withPayload(change: (claims: string) => string | Buffer): (kit: DpopKit, token: string) => string {
  return (kit, token) =>
    compactJws(jsonText(kit.header()), change(jsonText(kit.claims(token))), kit.keys.client.signer);
}

/** The object with a first member whose value is no UTF-8. */
function invalidUtf8(object: string): Buffer {
  return Buffer.concat([Buffer.from('{"x":"'), Buffer.of(0xc3, 0x28), Buffer.from(`",${object.slice(1)}`)]);
}

const types: readonly HostileRow[] = headerRows('RFC9449-1', 'typ', INVALID_PROOF, {
  missing: () => undefined,
  null: () => null,
  empty: () => '',
  JWT: () => 'JWT',
  'of an access token': () => 'at+jwt',
  'in upper case': () => 'DPOP+JWT',
  'with application/ before it': () => 'application/dpop+jwt',
  'with a space behind it': () => 'dpop+jwt ',
  'with a space before it': () => ' dpop+jwt',
  'with a parameter': () => 'dpop+jwt;v=1',
  'a number': () => 1,
  'an array of the right one': () => ['dpop+jwt'],
  'with a line end and a header of its own': () => 'dpop+jwt\r\nX-Injected: 1',
});

/** Both at fault: the request itself comes first. */
const together: readonly HostileRow[] = requestRows('RFC9449-3', INVALID_REQUEST, {
  'a bad proof beside a malformed Authorization header': (kit) => ({
    ...kit.carry(kit.jwt(), 'rubbish'),
    authorization: 'DPoP',
  }),
});

/** What a proof looks like before anything in it is believed. */
export const FORM_ROWS = [...fields, ...texts, ...json, ...repeated, ...types, ...together];
