import * as fc from 'fast-check';
import type { Binding, Setup } from '../setups.js';
import type { Edit } from './edit.js';
import type {
  Again,
  AnswerShape,
  AuthorizationChange,
  CertificateHeaderChange,
  Change,
  HtuChange,
  JsonPart,
  Plan,
  SignatureChange,
  SpellingChange,
  TargetChange,
} from './plan.js';
import { anyEdit } from './values.js';

/** What of an input is changed most. */
export type Focus = 'credentials' | 'jwt' | 'confirmation' | 'introspection' | 'proof' | 'certificate header';

const HEADER = ['alg', 'typ', 'kid', 'crit', 'b64', 'jku', 'x5u', 'x5c', 'x5t', 'jwk', 'cty', 'zip', 'enc'];
const CLAIMS = ['iss', 'aud', 'exp', 'nbf', 'iat', 'sub', 'client_id', 'jti', 'scope', 'cnf'];
const OTHER_CLAIMS = ['nonce', 'at_hash', 'c_hash', 'typ', 'token_use', 'token_type', 'azp', 'active', 'act'];
const CNF = ['x5t#S256', 'jkt', 'jwk', 'jwe', 'kid', 'jku', 'osc', 'x5t', 'X5T#S256', 'JKT', 'future'];
const PROOF_CLAIMS = ['jti', 'htm', 'htu', 'iat', 'ath', 'nonce', 'exp', 'nbf', 'aud'];
const JWK = ['kty', 'crv', 'x', 'y', 'n', 'e', 'd', 'p', 'k', 'oth', 'kid', 'alg', 'use', 'key_ops', 'x5c'];

const SIGNATURES: readonly SignatureChange[] = [
  'none',
  'foreign key',
  'key of the other issuer',
  'another key of the issuer',
  'HMAC with the public PEM',
  'HMAC with the public JWK',
  'HMAC with the public DER',
  'a bit changed',
  'cut',
  'longer',
  'zeros',
  'DER',
  'of something else',
  'malleated',
];
const SPELLINGS: readonly SpellingChange[] = [
  'padded',
  'other alphabet',
  'last bits',
  'a character in it',
  'empty',
  'left out',
  'twice',
  'one character less',
  'a dot behind',
  'null bytes',
];
const AUTHORIZATIONS: readonly AuthorizationChange[] = [
  'none',
  'other scheme',
  'no space',
  'two spaces',
  'tab',
  'comma',
  'quoted',
  'twice',
  'twice, other case of the name',
  'two tokens',
  'joined',
  'scheme in capitals',
  'scheme in lower case',
  'spaces around',
  'auth-param',
  'padding behind',
  'not ASCII',
  'scheme twice',
  'swapped scheme',
  'name in another case',
];
const CERTIFICATE_HEADERS: readonly CertificateHeaderChange[] = [
  'of another client',
  'none',
  'twice',
  'twice, other case of the name',
  'two joined',
  'text',
  'text before',
  'text behind',
  'text within',
  'percent-encoded',
  'percent-encoded twice',
  'percent signs',
  'other alphabet',
  'no padding',
  'cut',
  'byte behind the DER',
  'byte changed',
  'in quotes',
  'spaces for plus signs',
  'another format',
  'with its chain',
  'hop in front',
  'hop behind',
  'hash only',
  'hash of another',
  'underscores',
];
const SHAPES: readonly AnswerShape[] = [
  'undefined',
  'failed',
  'null',
  'array',
  'text',
  'number',
  'no active',
  'inactive',
  'active as text',
  'active as number',
  'nested',
];
const TARGETS: readonly TargetChange[] = [
  'query',
  'token in the query',
  'token in the query, encoded',
  'token name alone in the query',
  'fragment',
  'absolute form',
  'absolute form of another host',
  'dots',
  'encoded dots',
  'two slashes',
  'asterisk',
  'empty',
  'another path',
  'path in capitals',
  'encoded slash',
  'high octets',
];
const HTUS: readonly HtuChange[] = [
  'query',
  'fragment',
  'capitals of scheme and host',
  'capitals of the path',
  'default port',
  'empty port',
  'port with zeros',
  'other port',
  'dots',
  'encoded letters',
  'encoded slash',
  'http',
  'userinfo',
  'other host',
  'host with a dot behind',
  'encoded host',
  'wide host',
  'soft hyphen in the host',
  'relative',
  'backslashes',
  'space',
  'tab',
  'newline',
  'slash behind',
  'two slashes',
  'other public URL',
  'no path',
];

/** Pieces that values of headers are made of, and some that they are not. */
const anyHeaderText = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.constantFrom(',', ';', ':', '"', '=', '%', '%0A', '%00', '\\', '-', '(null)', ' '),
  },
  {
    weight: 2,
    arbitrary: fc.constantFrom('-----BEGIN CERTIFICATE-----', '-----END CERTIFICATE-----', '::', '%2C'),
  },
  { weight: 1, arbitrary: fc.string({ unit: 'binary-ascii', maxLength: 12 }) },
  {
    weight: 1,
    arbitrary: fc.constantFrom('é', '\u00ff', 'A'.repeat(6000), '%41'.repeat(2000), '"'.repeat(4000)),
  },
);

const anyToken = fc.oneof(
  fc.constantFrom(
    '.',
    '..',
    '...',
    '....',
    'e30.e30.',
    'e30.e30.e30',
    'bnVsbA.e30.AA',
    'W10.W10.AA',
    'e30.e30.AA.AA.AA',
  ),
  fc.constantFrom('eyJhbGciOiJub25lIn0.e30.', 'a'.repeat(12_000), `${'a.'.repeat(4000)}a`, '====', '~', '0'),
  fc.string({
    unit: fc.constantFrom('a', 'b', 'z', 'A', 'Z', '0', '9', '-', '.', '_', '~', '+', '/', '='),
    maxLength: 40,
  }),
);

function edits(at: JsonPart, names: readonly string[]): fc.Arbitrary<Change> {
  return anyEdit(names).map((edit) => ({ at, edit }));
}

function choices<How extends string, At extends string>(
  at: At,
  hows: readonly How[],
): fc.Arbitrary<{ readonly at: At; readonly how: How }> {
  return fc.constantFrom(...hows).map((how) => ({ at, how }));
}

function spellings<At extends 'token text' | 'proof text'>(
  at: At,
): fc.Arbitrary<{ readonly at: At; readonly part: 0 | 1 | 2; readonly how: SpellingChange }> {
  return fc.record({
    at: fc.constant(at),
    part: fc.constantFrom(0 as const, 1 as const, 2 as const),
    how: fc.constantFrom(...SPELLINGS),
  });
}

const certificate: fc.Arbitrary<Change> = fc.record({
  at: fc.constant('certificate' as const),
  name: fc.constantFrom('client2' as const, 'expired', 'early', 'selfSigned', 'foreign', 'none', 'client1'),
});

/** What can be wrong, by what it is that is looked at. */
const CHANGES: Readonly<Record<Focus, fc.Arbitrary<Change>>> = {
  credentials: fc.oneof(
    { weight: 6, arbitrary: choices('authorization', AUTHORIZATIONS) },
    { weight: 2, arbitrary: choices('target', TARGETS) },
    { weight: 3, arbitrary: anyToken.map((text): Change => ({ at: 'whole token', text })) },
    {
      weight: 2,
      arbitrary: choices('body', [
        'form',
        'form with token',
        'json with token',
        'form type in another case',
      ] as const),
    },
    {
      weight: 1,
      arbitrary: fc.record({
        at: fc.constant('other headers' as const),
        name: fc.constantFrom(
          'Authorization',
          'authorization',
          'DPoP',
          'Client-Cert',
          'X-Authorization',
          'Cookie',
          'Proxy-Authorization',
        ),
        value: anyHeaderText,
      }),
    },
  ),
  jwt: fc.oneof(
    { weight: 5, arbitrary: edits('header', HEADER) },
    { weight: 8, arbitrary: edits('claims', [...CLAIMS, ...CLAIMS, ...OTHER_CLAIMS]) },
    { weight: 3, arbitrary: choices('signature', SIGNATURES) },
    { weight: 3, arbitrary: spellings('token text') },
  ),
  confirmation: fc.oneof(
    { weight: 8, arbitrary: edits('cnf', CNF) },
    { weight: 2, arbitrary: edits('claims', ['cnf', 'token_type']) },
    { weight: 3, arbitrary: certificate },
    { weight: 1, arbitrary: choices('authorization', ['swapped scheme'] as const) },
  ),
  introspection: fc.oneof(
    { weight: 6, arbitrary: edits('answer', ['active', 'active', ...CLAIMS, ...OTHER_CLAIMS]) },
    { weight: 3, arbitrary: edits('answer cnf', CNF) },
    { weight: 2, arbitrary: choices('answer shape', SHAPES) },
  ),
  proof: fc.oneof(
    { weight: 4, arbitrary: edits('proof header', [...HEADER, 'jwk', 'typ', 'alg', 'jwk']) },
    { weight: 7, arbitrary: edits('proof claims', PROOF_CLAIMS) },
    { weight: 4, arbitrary: edits('jwk', JWK) },
    { weight: 3, arbitrary: choices('htu', HTUS) },
    { weight: 1, arbitrary: choices('target', TARGETS) },
    { weight: 2, arbitrary: choices('proof signature', SIGNATURES) },
    { weight: 2, arbitrary: spellings('proof text') },
    {
      weight: 2,
      arbitrary: choices('proof headers', [
        'none',
        'twice',
        'joined',
        'empty',
        'other case',
        'garbage',
      ] as const),
    },
  ),
  'certificate header': fc.oneof(
    {
      weight: 8,
      arbitrary: fc.record({
        at: fc.constant('certificate header' as const),
        how: fc.constantFrom(...CERTIFICATE_HEADERS),
        text: anyHeaderText,
      }),
    },
    { weight: 1, arbitrary: fc.constant<Change>({ at: 'address' }) },
    { weight: 1, arbitrary: certificate },
    {
      weight: 1,
      arbitrary: fc.record({
        at: fc.constant('verdict' as const),
        value: fc.constantFrom('FAILED:expired', 'NONE', '', 'success', 'SUCCESS,SUCCESS', 'SUCCESSFUL'),
      }),
    },
  ),
};

function setTo(at: JsonPart, name: string, text: string): Change {
  const edit: Edit = { op: 'set', name, value: { kind: 'raw', text } };
  return { at, edit };
}

/** What may differ in a request that is right in everything. */
const VARIATIONS: readonly Change[] = [
  { at: 'authorization', how: 'scheme in capitals' },
  { at: 'authorization', how: 'scheme in lower case' },
  { at: 'authorization', how: 'two spaces' },
  { at: 'authorization', how: 'spaces around' },
  { at: 'authorization', how: 'name in another case' },
  { at: 'proof headers', how: 'other case' },
  { at: 'target', how: 'query' },
  { at: 'htu', how: 'query' },
  { at: 'htu', how: 'fragment' },
  { at: 'htu', how: 'capitals of scheme and host' },
  { at: 'htu', how: 'encoded letters' },
  { at: 'body', how: 'form' },
  { at: 'body', how: 'json with token' },
  setTo('claims', 'extra', '{"a":[1,null,"\\u0000"]}'),
  setTo('claims', '__proto__', '{"cnf":null,"exp":0}'),
  setTo('claims', 'nbf', '0'),
  setTo('claims', 'aud', '["https://other.example.com","https://api.example.com"]'),
  setTo('claims', 'scope', '["read"]'),
  setTo('header', 'typ', '"application/at+jwt"'),
  setTo('header', 'typ', '"AT+JWT"'),
  setTo('header', 'jku', '"https://evil.example.com/jwks"'),
  setTo('header', 'cty', '"x"'),
  setTo('cnf', 'future', '"method of nobody"'),
  setTo('answer', 'username', '"a"'),
  {
    at: 'claims',
    edit: { op: 'put before', name: 'aud', value: { kind: 'raw', text: '"https://evil.example"' } },
  },
  { at: 'claims', edit: { op: 'put before', name: 'exp', value: { kind: 'raw', text: '1' } } },
  { at: 'claims', edit: { op: 'rename', name: 'aud', to: '"\\u0061ud"' } },
  { at: 'claims', edit: { op: 'text', how: 'spaces' } },
  { at: 'header', edit: { op: 'text', how: 'spaces' } },
  { at: 'claims', edit: { op: 'set', name: 'exp', value: { kind: 'offset', seconds: 1 } } },
  { at: 'claims', edit: { op: 'set', name: 'exp', value: { kind: 'offset', seconds: -4 + 0.0009765625 } } },
  { at: 'proof claims', edit: { op: 'set', name: 'iat', value: { kind: 'offset', seconds: -69 } } },
  { at: 'proof claims', edit: { op: 'set', name: 'iat', value: { kind: 'offset', seconds: 10 } } },
  { at: 'other headers', name: 'X-Forwarded-Host', value: 'evil.example' },
  { at: 'other headers', name: 'Client_Cert', value: 'x' },
];

const METHODS = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE'];
const PATHS = ['/', '/payments', '/payments/42', '/a%20b/%C3%A9', '/A/b', '/a;b=c', "/a,b'(c)*!~"];

/** What another request with the same token may differ in. */
export const anyChangeOfRequest: fc.Arbitrary<Change> = fc.oneof(
  certificate,
  CHANGES.proof,
  CHANGES['certificate header'],
  choices('authorization', AUTHORIZATIONS),
);

/** One in six comes again: at once, around the ends of tolerances and lifetimes, or changed. */
const anyAgain: fc.Arbitrary<Again | undefined> = fc.oneof(
  { weight: 5, arbitrary: fc.constant(undefined) },
  {
    weight: 1,
    arbitrary: fc
      .record({
        after: fc.constantFrom(0, 0, 0, 0, 1, 4, 5, 9, 71, 305),
        proof: fc.constantFrom('same' as const, 'new' as const, 'new' as const),
        change: fc.option(anyChangeOfRequest, { nil: undefined }),
      })
      .map(({ change, ...again }) => (change === undefined ? again : { ...again, change })),
  },
);

/** Plans for a setup: one in four right on purpose, the others with one to three faults, mostly of the focus. */
export function anyPlan(setup: number, { admits, policy }: Setup, focus: Focus): fc.Arbitrary<Plan> {
  const tokens =
    focus === 'introspection' && admits.tokens.includes('opaque')
      ? ['opaque' as const, ...admits.tokens]
      : admits.tokens;
  const bindings =
    focus === 'proof' && policy.dpop !== undefined ? admits.bindings.filter(isByKey) : admits.bindings;
  const change = fc.oneof(
    { weight: 9, arbitrary: CHANGES[focus] },
    { weight: 1, arbitrary: fc.oneof(...Object.values(CHANGES)) },
  );
  const right = fc.record({
    setup: fc.constant(setup),
    kind: fc.constantFrom(...tokens),
    binding: fc.constantFrom(...bindings),
    issuer: fc.constantFrom('a' as const, 'a' as const, 'b' as const),
    // RSA, which costs twenty times as much to sign with, comes seldom.
    key: fc.oneof(
      { weight: 20, arbitrary: fc.constantFrom(0, 0, 0, 1, 1, 4) },
      { weight: 1, arbitrary: fc.constantFrom(2, 3) },
    ),
    clientKey: fc.oneof(
      { weight: 20, arbitrary: fc.constantFrom(0, 0, 1, 2) },
      { weight: 1, arbitrary: fc.constant(3) },
    ),
    publicUrl: fc.constantFrom(0 as const, 1 as const),
    path: fc.constantFrom(...PATHS),
    method: fc.constantFrom(...METHODS),
    millis: fc.nat(999),
  });
  const variations = fc.uniqueArray(fc.constantFrom(...VARIATIONS), { maxLength: 2, selector: placeOf });
  const faults = fc.oneof(
    { weight: 1, arbitrary: fc.constant<readonly Change[]>([]) },
    { weight: 3, arbitrary: fc.array(change, { minLength: 1, maxLength: 3, size: 'small' }) },
  );
  return fc.tuple(right, variations, faults, anyAgain).map(([plan, varied, wrong, again]) => ({
    ...plan,
    ...(again === undefined ? {} : { again }),
    // Only issuer A is asked about opaque tokens.
    issuer: plan.kind === 'opaque' ? 'a' : plan.issuer,
    variations: varied,
    faults: wrong,
  }));
}

/** Whether a plan is for a request that must be accepted. */
export function isRightOnPurpose({ faults, variations }: Plan, { policy }: Setup): boolean {
  const compared = policy.issuers.some(({ introspection }) => introspection?.tokens === 'all');
  // Where the two are compared, the introspection answer would have to vary as well.
  return faults.length === 0 && !(compared && variations.some((change) => placeOf(change) === 'claims aud'));
}

/** Two variations of one place could undo each other. */
function placeOf(change: Change): string {
  return 'edit' in change && 'name' in change.edit ? `${change.at} ${change.edit.name}` : change.at;
}

function isByKey(binding: Binding): boolean {
  return binding === 'key' || binding === 'both';
}
