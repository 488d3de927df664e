import { randomBytes } from 'node:crypto';
import type { HostileKit } from '../../hostile-kit.js';
import { headerRows, INVALID_REQUEST, INVALID_TOKEN, tokenRows } from './certificate-row.js';
import type { HostileRow } from '../../hostile-row.js';
import { base64url, compactJws, hmac, jsonText, signedText } from '../../raw-jws.js';

const types: readonly HostileRow[] = [
  ...headerRows('RFC9068-1', 'typ', INVALID_TOKEN, {
    missing: () => undefined,
    null: () => null,
    empty: () => '',
    JWT: () => 'JWT',
    'of a DPoP proof': () => 'dpop+jwt',
    'of an introspection answer': () => 'token-introspection+jwt',
    'of a log-out token': () => 'logout+jwt',
    'of a security event': () => 'secevent+jwt',
    'a number': () => 1,
    'an array of the right one': () => ['at+jwt'],
    'with a space after it': () => 'at+jwt ',
    'with a parameter': () => 'at+jwt;v=1',
    'of another tree': () => 'text/at+jwt',
    'with application/ twice': () => 'application/application/at+jwt',
    'not in ASCII': () => 'at+jwt\u2603',
  }),
  ...tokenRows('RFC9068-3', INVALID_TOKEN, {
    'an ID token': (kit) =>
      kit.jwt({
        header: { typ: 'JWT' },
        claims: { nonce: 'n-0S6_WzA2Mj', at_hash: 'MTIzNDU2Nzg5MDEyMzQ1Ng' },
      }),
    'an ID token without typ': (kit) =>
      kit.jwt({ header: { typ: undefined }, claims: { nonce: 'n-0S6_WzA2Mj', aud: 'client-1' } }),
    'an introspection answer of RFC 9701': (kit) =>
      kit.jwt({
        header: { typ: 'token-introspection+jwt' },
        claims: { token_introspection: { active: true, ...kit.claims() } },
      }),
  }),
];

const shapes: readonly HostileRow[] = [
  ...tokenRows('RFC9068-2 parts', INVALID_TOKEN, {
    'one: the header': (kit) => first(kit),
    'two: no signature, no last dot': (kit) => kit.jwt().split('.').slice(0, 2).join('.'),
    'four: the last one empty': (kit) => `${kit.jwt()}.`,
    'four: another signature': (kit) => `${kit.jwt()}.AAAA`,
    'a dot before the first': (kit) => `.${kit.jwt()}`,
    'five: an encrypted token': (kit) =>
      encrypted(kit, { alg: 'RSA-OAEP-256', enc: 'A256GCM', kid: 'encryption' }),
    'five: encrypted with alg dir and no key': (kit) =>
      encrypted(kit, { alg: 'dir', enc: 'A128GCM', kid: 'oct' }),
    'five: PBES2 with a billion rounds': (kit) =>
      encrypted(kit, { alg: 'PBES2-HS256+A128KW', enc: 'A128GCM', p2c: 1_000_000_000, p2s: 'AAAA' }),
    'a thousand empty ones': () => '.'.repeat(1000),
    'three empty ones': () => '..',
    'an empty header': (kit) => kit.jwt().replace(/^[^.]*/, ''),
    'an empty payload, signed': (kit) => signedText(`${first(kit)}.`, kit.signer),
    'a header of one character, which is no byte': (kit) => kit.jwt().replace(/^[^.]*/, 'e'),
    'a disclosure of SD-JWT behind': (kit) => `${kit.jwt()}~WyJzYWx0Il0~`,
    'padding behind': (kit) => `${kit.jwt()}=`,
    'rubbish behind': (kit) => `${kit.jwt()}AAAA`,
    'a tilde within the payload': (kit) => {
      const [head = '', payload = '', signature = ''] = kit.jwt().split('.');
      return [head, `${payload.slice(0, 8)}~${payload.slice(8)}`, signature].join('.');
    },
  }),
  ...tokenRows('RFC6750-1 parts', INVALID_REQUEST, {
    // b64token has `=` at its end only and no other signs: these are no Bearer credentials at all.
    'a padded header': (kit) => kit.jwt().replace('.', '==.'),
    'an asterisk': (kit) => kit.jwt().replace('.', '*.'),
    'JSON serialisation': (kit) => {
      const [head, payload, signature] = kit.jwt().split('.');
      return JSON.stringify({ protected: head, payload, signature });
    },
  }),
];

function first(kit: HostileKit): string {
  return base64url(jsonText(kit.header()));
}

function encrypted(kit: HostileKit, header: object): string {
  const parts = [
    Buffer.from(JSON.stringify({ typ: 'at+jwt', ...header })),
    randomBytes(256),
    randomBytes(12),
  ];
  return [...parts, Buffer.from(jsonText(kit.claims())), randomBytes(16)].map(base64url).join('.');
}

/** A header, or a payload, that is not a JSON object in UTF-8. The payloads are all signed by A. */
const json: readonly HostileRow[] = [
  ...tokenRows('RFC9068-2 header', INVALID_TOKEN, {
    'that is null': (kit) => withHeader(kit, 'null'),
    'that is an array': (kit) => withHeader(kit, JSON.stringify([kit.header()])),
    'that is a string': (kit) => withHeader(kit, JSON.stringify(jsonText(kit.header()))),
    'that is a number': (kit) => withHeader(kit, '1'),
    'that is true': (kit) => withHeader(kit, 'true'),
    'that is an empty object': (kit) => withHeader(kit, '{}'),
    'with a comma too much': (kit) => withHeader(kit, `${jsonText(kit.header()).slice(0, -1)},}`),
    'with single quotes': (kit) => withHeader(kit, jsonText(kit.header()).replaceAll('"', "'")),
    'with rubbish behind': (kit) => withHeader(kit, `${jsonText(kit.header())}{}`),
    'cut short': (kit) => withHeader(kit, jsonText(kit.header()).slice(0, -1)),
    'in invalid UTF-8': (kit) =>
      withHeader(
        kit,
        Buffer.concat([Buffer.from('{"x":"'), Buffer.of(0xc3, 0x28), tail(jsonText(kit.header()))]),
      ),
    'in UTF-16': (kit) => withHeader(kit, Buffer.from(jsonText(kit.header()), 'utf16le')),
    'with everything in __proto__': (kit) => withHeader(kit, `{"__proto__":${jsonText(kit.header())}}`),
    'nested 3,000 deep': (kit) => withHeader(kit, '['.repeat(3000) + ']'.repeat(3000)),
  }),
  ...tokenRows('RFC9068-2 payload', INVALID_TOKEN, {
    'that is null': (kit) => withPayload(kit, 'null'),
    'that is an array': (kit) => withPayload(kit, JSON.stringify([kit.claims()])),
    'that is a string of the claims': (kit) => withPayload(kit, JSON.stringify(jsonText(kit.claims()))),
    'that is a number': (kit) => withPayload(kit, '0'),
    'that is an empty object': (kit) => withPayload(kit, '{}'),
    'that is a JWT (nested)': (kit) =>
      compactJws(jsonText(kit.header({ cty: 'JWT' })), kit.jwt(), kit.signer),
    'with a comma too much': (kit) => withPayload(kit, `${jsonText(kit.claims()).slice(0, -1)},}`),
    'with rubbish behind': (kit) => withPayload(kit, `${jsonText(kit.claims())}x`),
    'with a NUL behind': (kit) => withPayload(kit, `${jsonText(kit.claims())}\0`),
    'with a comment': (kit) => withPayload(kit, `/**/${jsonText(kit.claims())}`),
    'with exp NaN': (kit) => withPayload(kit, jsonText(kit.claims()).replace(/"exp":\d+/, '"exp":NaN')),
    'in invalid UTF-8': (kit) =>
      withPayload(kit, Buffer.concat([Buffer.from('{"x":"'), Buffer.of(0xff), tail(jsonText(kit.claims()))])),
    'in UTF-16': (kit) => withPayload(kit, Buffer.from(jsonText(kit.claims()), 'utf16le')),
    'with everything in __proto__': (kit) => withPayload(kit, `{"__proto__":${jsonText(kit.claims())}}`),
  }),
  ...tokenRows('RFC8725 HMAC', INVALID_TOKEN, {
    'a well-made token of somebody with a secret': (kit) =>
      kit.jwt({
        header: { alg: 'HS256', kid: undefined },
        signer: hmac(randomBytes(32)),
      }),
  }),
];

/** The rest of an object of which the value of a first member, a string, has been begun. */
function tail(object: string): Buffer {
  return Buffer.from(`",${object.slice(1)}`);
}

function withHeader(kit: HostileKit, header: string | Buffer): string {
  return compactJws(header, jsonText(kit.claims()), kit.signer);
}

function withPayload(kit: HostileKit, payload: string | Buffer): string {
  return compactJws(jsonText(kit.header()), payload, kit.signer);
}

/** What a token looks like before anything in it is believed. */
export const FORM_ROWS = [...types, ...shapes, ...json];
