import * as fc from 'fast-check';
import { escaped, type Edit, type Respelling, type TextChange, type Value } from './edit.js';

const RESPELLINGS: readonly Respelling[] = [
  'lower',
  'upper',
  'padded',
  'in an array',
  'twice in an array',
  'in an object',
  'space behind',
  'slash behind',
  'NUL behind',
  'cut',
  'last character changed',
  'hex',
  'other alphabet',
  'escaped',
];

const TEXT_CHANGES: readonly TextChange[] = [
  'BOM',
  'spaces',
  'cut',
  'comma at the end',
  'something behind',
  'in an array',
  'comment',
  'not UTF-8',
  'NUL',
];

/** JSON that is odd, and what is nearly JSON. */
const ODD_TEXTS: readonly string[] = [
  'null',
  'true',
  'false',
  '0',
  '-0',
  '1',
  '-1',
  '0.5',
  '1e999',
  '-1e999',
  '1e308',
  '9007199254740993',
  '1E400',
  '01',
  '+1',
  '.5',
  'NaN',
  'Infinity',
  'undefined',
  "'a'",
  '""',
  '"a"',
  '" "',
  '"\\ud800"',
  '"\\udc00\\ud800"',
  '"\\u0000"',
  '"\\x41"',
  '"\u2028"',
  '"\u202e"',
  '"__proto__"',
  '[]',
  '{}',
  '[null]',
  '[[]]',
  '[""]',
  '{"__proto__":{"active":true}}',
  '{"constructor":{"prototype":{}}}',
  '{"toString":1,"length":1}',
];

/** Values that mean something somewhere. */
const TELLING_TEXTS: readonly string[] = [
  '"none"',
  '"None"',
  '"HS256"',
  '"HS512"',
  '"ES256"',
  '"ES256K"',
  '"ES384"',
  '"RS256"',
  '"PS256"',
  '"EdDSA"',
  '"Ed25519"',
  '"Ed448"',
  '"RSA-OAEP"',
  '"dir"',
  '["ES256"]',
  '"JWT"',
  '"jwt"',
  '"at+jwt"',
  '"AT+JWT"',
  '"application/at+jwt"',
  '"Application/AT+JWT"',
  '"application/application/at+jwt"',
  '"dpop+jwt"',
  '"application/dpop+jwt"',
  '"DPOP+JWT"',
  '"token-introspection+jwt"',
  '"logout+jwt"',
  '"ID"',
  '"id"',
  '"DPoP"',
  '"refresh_token"',
  '"shared"',
  '"rsa"',
  '"rs256"',
  '"ed"',
  '"oct"',
  '"b"',
  '"https://a.example.com"',
  '"https://a.example.com/"',
  '"https://b.example.com/tenant"',
  '"https://evil.example.com"',
  '"https://api.example.com"',
  '"https://api.example.com/"',
  '["https://api.example.com"]',
  '["https://other.example.com","https://api.example.com"]',
  '["https://api.example.com",1]',
  '["https://api.example.com",null]',
  '"https://other.example.com https://api.example.com"',
  '["b64"]',
  '["exp"]',
  '"GET"',
  '"get"',
  '"POST"',
  '"DELETE"',
  '"read"',
  '["read","write"]',
];

/** Seconds around every border that there is: expiry, tolerances, lifetimes of proofs. */
const OFFSETS: readonly number[] = [
  0, 1, -1, 5, -5, 4, -4, 6, -6, 10, -10, 9, -9, 11, -11, 60, -60, 70, -70, 69, -69, 71, -71, 300, -300,
  -4.001, -4.999, -5.001, 4.999, 5.001, 9.999, 10.001, -69.999, -70.001, 1e9, -1e9, 1e15, 1e300, -1e300,
];

const oddText = fc.constantFrom(...ODD_TEXTS);
const tellingText = fc.constantFrom(...TELLING_TEXTS);
const anyJson = fc.json({ maxDepth: 2 });

export const anyValue: fc.Arbitrary<Value> = fc.oneof(
  { weight: 6, arbitrary: oddText.map(raw) },
  { weight: 6, arbitrary: tellingText.map(raw) },
  { weight: 4, arbitrary: fc.constantFrom(...RESPELLINGS).map((how): Value => ({ kind: 'respelt', how })) },
  {
    weight: 4,
    arbitrary: fc.constantFrom(...OFFSETS).map((seconds): Value => ({ kind: 'offset', seconds })),
  },
  { weight: 1, arbitrary: anyJson.map(raw) },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant('huge' as const),
      what: fc.constantFrom('arrays' as const, 'objects', 'text', 'digits'),
    }),
  },
);

function raw(text: string): Value {
  return { kind: 'raw', text };
}

/** Names that no object is asked for, but that objects of JavaScript have. */
const STRANGE_NAMES = [
  '__proto__',
  'constructor',
  'toString',
  'valueOf',
  'hasOwnProperty',
  '',
  '\ud800',
  'a b',
];

/** Any edit of an object that has, or could have, these members. */
export function anyEdit(names: readonly string[]): fc.Arbitrary<Edit> {
  const name = fc.oneof(
    { weight: 12, arbitrary: fc.constantFrom(...names) },
    { weight: 1, arbitrary: fc.constantFrom(...STRANGE_NAMES) },
  );
  return fc.oneof(
    { weight: 3, arbitrary: name.map((dropped): Edit => ({ op: 'drop', name: dropped })) },
    { weight: 10, arbitrary: fc.record({ op: fc.constant('set' as const), name, value: anyValue }) },
    { weight: 2, arbitrary: fc.record({ op: fc.constant('put before' as const), name, value: anyValue }) },
    { weight: 3, arbitrary: fc.record({ op: fc.constant('put behind' as const), name, value: anyValue }) },
    { weight: 2, arbitrary: name.chain((old) => anyRename(old)) },
    { weight: 1, arbitrary: fc.constantFrom(...TEXT_CHANGES).map((how): Edit => ({ op: 'text', how })) },
  );
}

function anyRename(name: string): fc.Arbitrary<Edit> {
  const spellings = [
    `"${escaped(name)}"`,
    JSON.stringify(name.toUpperCase()),
    JSON.stringify(`${name} `),
    JSON.stringify(`\u200b${name}`),
    JSON.stringify(`${name}\0`),
    `'${name}'`,
    '"__proto__"',
  ];
  return fc.constantFrom(...spellings).map((to): Edit => ({ op: 'rename', name, to }));
}
