import { hash } from 'node:crypto';
import { join } from 'node:path';
import {
  TestAuthorizationServer,
  TestCertificateAuthority,
  TestDpopClient,
} from 'nestjs-cert-bound-auth/testing';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { CHECKS, type Explanation } from '../../lib/explain/explanation.js';
import { qwac } from '../support/pki/qualified-statements.js';
import { AUDIENCE, createWorld, type World } from '../support/world.js';
import { type EndedRun, folderWith, runWith } from './support.js';

let world: World;
let as: TestAuthorizationServer;
let other: TestAuthorizationServer;
let client: TestDpopClient;
let stranger: TestDpopClient;
let files: Readonly<Record<string, string>>;

beforeAll(async () => {
  world = await createWorld();
  [as, other, client, stranger] = await Promise.all([
    TestAuthorizationServer.start({ ca: world.ca }),
    TestAuthorizationServer.start({ ca: world.ca }),
    TestDpopClient.create(),
    TestDpopClient.create(),
  ]);
  const foreign = await TestCertificateAuthority.create();
  const expired = { notBefore: new Date('2020-01-01'), notAfter: new Date('2021-01-01') };
  const [foreignClient, expiredClient, tpp] = await Promise.all([
    foreign.issueClientCertificate('client1'),
    world.ca.issueClientCertificate('client1', expired),
    world.ca.issueClientCertificate('tpp', qwac('PSP_PI')),
  ]);
  certificates = { ...world, foreign: foreignClient, expired: expiredClient, tpp };
  files = {
    'config.json': JSON.stringify(configuration()),
    'ca.pem': world.ca.cert,
    'client1.pem': world.client1.cert,
    'client2.pem': world.client2.cert,
    'foreign.pem': foreignClient.cert,
    'expired.pem': expiredClient.cert,
    'tpp.pem': tpp.cert,
    'key.pem': world.client1.key,
  };
});
afterAll(async () => Promise.all([as.stop(), other.stop()]));

let certificates: Pick<World, 'client1' | 'client2'> &
  Record<'foreign' | 'expired' | 'tpp', World['client1']>;

const PUBLIC_URL = 'https://api.example.com/v1';
const URL_OF_ORDERS = `${PUBLIC_URL}/orders`;

/** The keys are in it, so that a signature is checked without asking anybody. */
function configuration(): object {
  const { jwk } = as.signingKey;
  const server = { issuer: as.issuer, tls: { ca: { file: 'ca.pem' } }, jwt: { jwks: { keys: [jwk] } } };
  const clientAuthentication = { method: 'client_secret_basic', clientId: 'api', clientSecret: 'api-secret' };
  const header = { from: 'header', header: 'x-cert', format: 'pem' };
  const dpop = { publicUrl: PUBLIC_URL };
  return {
    listen: { port: 0 },
    trustedProxies: ['loopback'],
    audience: AUDIENCE,
    clientCertificate: { ...header, trust: { ca: { file: 'ca.pem' } } },
    authorizationServers: [server],
    policies: {
      plain: {},
      scoped: { scopes: ['payments:read'] },
      issued: { certificateIssuedBy: [{ dn: 'CN=Test CA' }] },
      elsewhere: { certificateIssuedBy: [{ dn: 'CN=Other CA' }] },
      pi: {
        psd2Roles: ['PSP_PI'],
        clientCertificate: {
          ...header,
          trust: { ca: { file: 'ca.pem' } },
          policy: { profile: 'psd2-qwac', issuers: [{ dn: 'CN=Test CA' }] },
        },
      },
      dpop: { dpop },
      nonces: { dpop: { ...dpop, nonce: 'required', nonceSecret: 'n'.repeat(32) } },
      secretNonces: { dpop: { ...dpop, nonce: 'required' } },
      proxied: { clientCertificate: { ...header, trust: 'proxy' } },
      unbound: { binding: 'if-bound' },
      anyTrust: { clientCertificate: { ...header, trust: 'any' } },
      checked: {
        clientCertificate: {
          ...header,
          trust: { ca: { file: 'ca.pem' } },
          policy: { deny: [{ cn: 'client2' }] },
        },
      },
      strict: {
        authorizationServers: [
          {
            ...server,
            jwt: { ...server.jwt, maxTokenAge: 60, requiredClaims: ['auth_time'], forbiddenClaims: ['act'] },
          },
        ],
      },
      okta: { authorizationServers: [{ preset: 'okta', ...server }] },
      opaque: {
        authorizationServers: [
          { ...server, jwt: false, introspection: { clientAuthentication, tokens: 'all' } },
        ],
        scopes: ['payments:read'],
      },
      freshNonces: { dpop: { ...dpop, nonce: 'instead-of-iat', nonceSecret: 'n'.repeat(32) } },
      discovered: { authorizationServers: [{ issuer: as.issuer, tls: { ca: { file: 'ca.pem' } } }] },
      introspected: {
        authorizationServers: [{ ...server, introspection: { clientAuthentication, tokens: 'all' } }],
      },
      keycloak: { authorizationServers: [{ preset: 'keycloak', ...server }] },
    },
  };
}

interface Given {
  readonly token: string;
  readonly proof?: string;
  readonly args?: readonly string[];
  readonly policy?: string;
  /** A file. @default client1 */
  readonly cert?: 'client1' | 'client2' | 'foreign' | 'expired' | 'tpp' | 'none';
}

/** Explains by the configuration file. */
async function explain({
  token,
  proof,
  args = [],
  policy = 'plain',
  cert = 'client1',
}: Given): Promise<EndedRun> {
  const folder = await folderWith({ ...files, ...(proof === undefined ? {} : { proof }) });
  return runWith(`${token}\n`, [
    'explain',
    '--config',
    join(folder, 'config.json'),
    '--policy',
    policy,
    ...(cert === 'none' ? [] : ['--cert', join(folder, `${cert}.pem`)]),
    ...(proof === undefined ? [] : ['--proof', join(folder, 'proof')]),
    ...args,
  ]);
}

async function explainAsJson(given: Given): Promise<Explanation> {
  const { out } = await explain({ ...given, args: [...(given.args ?? []), '--json'] });
  return JSON.parse(out) as Explanation;
}

/** A right token of client 1, but for this. */
async function bound(options: Parameters<TestAuthorizationServer['accessToken']>[0] = {}): Promise<string> {
  return as.accessToken({ certificate: world.client1, ...options });
}

type ProofOptions = Partial<Parameters<TestDpopClient['proof']>[0]>;

/** A right token of a client of DPoP, and a proof. */
async function proved(options: ProofOptions = {}, by = client): Promise<Given> {
  const token = await as.accessToken({ dpop: client });
  const proof = await by.proof({ url: URL_OF_ORDERS, token, ...options });
  return { token, proof, policy: 'dpop', cert: 'none', args: ['--url', URL_OF_ORDERS, '--method', 'GET'] };
}

/** What is broken, what it is given as, the checks that must fail, in order, the reason, and what the text must say. */
type Row = readonly [
  broken: string,
  given: () => Given | Promise<Given>,
  failed: readonly string[],
  reason: string,
  says: RegExp,
];

const now = (): number => Math.floor(Date.now() / 1000);

const BROKEN: readonly Row[] = [
  [
    'a token of an issuer that nobody trusts',
    async () => ({ token: await other.accessToken({ certificate: world.client1 }) }),
    ['issuer', 'signature', 'issuer_claim'],
    'issuer_unknown',
    /issuer +issuer_unknown\n.*expected +one of .*\n.*found .*\n.*to do +Compare/,
  ],
  [
    'an issuer with a slash at its end',
    async () => ({ token: await bound({ claims: { iss: `${as.issuer}/` } }) }),
    ['issuer', 'issuer_claim'],
    'issuer_unknown',
    /they differ by the slash at the end/,
  ],
  [
    'a token for another API',
    async () => ({ token: await bound({ audience: 'https://other.example.com' }) }),
    ['audience'],
    'audience_mismatch',
    /found +"https:\/\/other\.example\.com" .*\n.*The client must ask for this API/,
  ],
  [
    'a token without aud',
    async () => ({ token: await bound({ claims: { aud: undefined } }) }),
    ['audience'],
    'claim_missing',
    /audience +claim_missing/,
  ],
  [
    'a token of the type JWT',
    async () => ({ token: await bound({ header: { typ: 'JWT' } }) }),
    ['type'],
    'token_type_mismatch',
    /expected +"at\+jwt"\n +found +typ "JWT"/,
  ],
  [
    'a token without a type',
    async () => ({ token: await bound({ header: { typ: undefined } }) }),
    ['type'],
    'token_type_mismatch',
    /found +typ undefined/,
  ],
  [
    'a token of Keycloak, where no preset is used',
    async () => ({
      token: await bound({
        header: { typ: 'JWT' },
        claims: { typ: 'Bearer', azp: 'a', client_id: undefined },
      }),
    }),
    ['type', 'claims'],
    'token_type_mismatch',
    /the preset that fits: forKeycloak\(\), in a file preset: keycloak\./,
  ],
  [
    'a token of Okta, where no preset is used',
    async () => ({
      token: await bound({
        header: { typ: undefined },
        claims: { cid: 'a', scp: ['b'], client_id: undefined },
      }),
    }),
    ['type', 'claims'],
    'token_type_mismatch',
    /the preset that fits: forOkta\(\), in a file preset: okta\./,
  ],
  [
    'an ID token',
    async () => ({
      token: await bound({
        header: { typ: 'JWT' },
        claims: { nonce: 'n', at_hash: 'h', client_id: undefined },
      }),
    }),
    ['type', 'claims', 'kind'],
    'token_type_mismatch',
    /kind +token_is_id_token\n[^]*Send the access token/,
  ],
  [
    'an ID token, where the type JWT is accepted',
    async () => ({
      policy: 'keycloak',
      token: await bound({ header: { typ: 'JWT' }, claims: { typ: 'ID', azp: 'a' } }),
    }),
    ['kind'],
    'token_is_id_token',
    /its typ claim is ID/,
  ],
  [
    'an expired token',
    async () => ({ token: await bound({ lifetime: -60 }) }),
    ['times'],
    'token_expired',
    /found +exp 6\d s ago, iat \d s ago/,
  ],
  [
    'a token that is not valid yet',
    async () => ({ token: await bound({ claims: { nbf: now() + 600 } }) }),
    ['times'],
    'token_not_yet_valid',
    /nbf in (?:599|600) s/,
  ],
  [
    'a token by a clock that is ahead',
    async () => ({ token: await bound({ claims: { iat: now() + 600 } }) }),
    ['times'],
    'token_issued_in_future',
    /Set the clocks/,
  ],
  [
    'a token that is bound to nothing',
    async () => ({ token: await as.accessToken() }),
    ['confirmation'],
    'confirmation_missing',
    /expected +cnf with x5t#S256\n +found +no cnf/,
  ],
  [
    'a token of another certificate',
    async () => ({ token: await bound(), cert: 'client2' }),
    ['certificate_thumbprint'],
    'certificate_mismatch',
    /certificate_mismatch\n +expected +[\w-]{43}\n +found +[\w-]{43}/,
  ],
  [
    'no certificate',
    async () => ({ token: await bound(), cert: 'none' }),
    ['certificate'],
    'certificate_missing',
    /no certificate was given by --cert/,
  ],
  [
    'a certificate of a CA that is not trusted',
    async () => ({ token: await bound({ certificate: certificates.foreign }), cert: 'foreign' }),
    ['certificate_chain'],
    'certificate_path_incomplete',
    /certificate_chain +certificate_path_incomplete/,
  ],
  [
    'an expired certificate',
    async () => ({ token: await bound({ certificate: certificates.expired }), cert: 'expired' }),
    ['certificate_validity', 'certificate_chain'],
    'certificate_expired',
    /from 2020-01-01T00:00:00\.000Z to 2021-01-01T00:00:00\.000Z/,
  ],
  [
    'a thumbprint in hexadecimal',
    async () => ({
      token: await bound({ claims: { cnf: { 'x5t#S256': hash('sha256', world.client1.der) } } }),
    }),
    ['confirmation'],
    'confirmation_malformed',
    /is not 43 characters of unpadded base64url/,
  ],
  [
    'a confirmation by a whole key',
    async () => ({ token: await bound({ claims: { cnf: { jwk: {} } } }) }),
    ['confirmation'],
    'confirmation_unsupported',
    /cnf\.jwk cannot be checked/,
  ],
  [
    'a token without a scope that the policy demands',
    async () => ({ token: await bound({ scope: 'payments:write' }), policy: 'scoped' }),
    ['demands'],
    'scope_missing',
    /expected +all of \["payments:read"\]\n +found +scopes \["payments:write"\]/,
  ],
  [
    'a token with HMAC by the public key',
    async () => ({ token: await bound({ fault: 'hmac-with-public-key' }) }),
    ['algorithm'],
    'algorithm_not_allowed',
    /found +alg "HS256"/,
  ],
  [
    'an unsigned token',
    async () => ({ token: await bound({ fault: 'unsigned' }) }),
    ['algorithm'],
    'algorithm_not_allowed',
    /found +alg "none"/,
  ],
  [
    'a token by a key that is not known',
    async () => ({ token: await bound({ header: { kid: 'another' } }) }),
    ['signature'],
    'key_unknown',
    /found +kid "another"/,
  ],
  [
    'a token by the key of somebody else',
    async () => ({ token: await bound({ fault: 'foreign-key' }) }),
    ['signature'],
    'signature_invalid',
    /signature +signature_invalid/,
  ],
  [
    'a token with a critical header',
    async () => ({ token: withHeader(await bound(), { crit: ['exp'] }) }),
    ['critical_header', 'signature'],
    'critical_header_unsupported',
    /crit in the header/,
  ],
  [
    'an encrypted token',
    () => ({ token: `${Buffer.from('{"alg":"RSA-OAEP","enc":"A256GCM"}').toString('base64url')}.a.b.c.d` }),
    ['token_form'],
    'token_encrypted',
    /found +an encrypted JWT/,
  ],
  [
    'a token that was cut',
    async () => ({ token: (await bound()).replace(/\..{40}/, '.') }),
    ['token_form'],
    'token_malformed',
    /found +a broken JWT/,
  ],
  [
    'an opaque token, where nobody can be asked',
    () => ({ token: as.opaqueToken({ certificate: world.client1 }) }),
    ['introspection'],
    'token_opaque',
    /nobody to ask .*\n.*Configure introspection/,
  ],
  [
    'two tokens at once',
    async () => ({ token: `${await bound()} ${await bound()}` }),
    ['credentials'],
    'credentials_malformed',
    /"Bearer" and one token/,
  ],
  [
    'a token that is bound to a key, where no proof is accepted',
    async () => ({ ...(await proved()), policy: 'plain' }),
    ['confirmation'],
    'confirmation_unsupported',
    /Set `dpop`/,
  ],
  [
    'a token that is bound to a key, without a proof',
    async () => ({ token: await as.accessToken({ dpop: client }), policy: 'dpop' }),
    ['proof_form'],
    'proof_missing',
    /expected +one DPoP proof/,
  ],
  [
    'a proof for another method',
    async () => proved({ method: 'POST' }),
    ['proof_method'],
    'proof_method_mismatch',
    /expected +htm "GET"\n +found +htm "POST"/,
  ],
  [
    'a proof for another URL',
    async () => proved({ url: `${PUBLIC_URL}/accounts` }),
    ['proof_target'],
    'proof_target_mismatch',
    /found +htu "https:\/\/api\.example\.com\/v1\/accounts"/,
  ],
  [
    'a proof for an origin that is not the public one',
    async () => proved({ url: 'http://localhost:3000/orders' }),
    ['proof_target'],
    'proof_target_mismatch',
    /it is not under publicUrl/,
  ],
  [
    'a proof for another token',
    async () => proved({ fault: 'other-token' }),
    ['proof_token'],
    'proof_token_mismatch',
    /proof_token +proof_token_mismatch/,
  ],
  [
    'a stale proof',
    async () => proved({ fault: 'stale' }),
    ['proof_time'],
    'proof_expired',
    /found +iat 360\d s ago/,
  ],
  [
    'a proof by the key of another client',
    async () => proved({}, stranger),
    ['proof_key'],
    'proof_key_mismatch',
    /proof_key +proof_key_mismatch\n +expected +[\w-]{43}\n +found +[\w-]{43}/,
  ],
  [
    'a proof that was changed',
    async () => proved({ fault: 'tampered' }),
    ['proof_signature'],
    'proof_signature_invalid',
    /proof_signature +proof_signature_invalid/,
  ],
  [
    'a proof without the nonce that is asked for',
    async () => ({ ...(await proved()), policy: 'nonces' }),
    ['proof_nonce'],
    'proof_nonce_missing',
    /found +no nonce/,
  ],
  [
    'a confirmation that is no object',
    async () => ({ token: await bound({ claims: { cnf: 'x' } }) }),
    ['confirmation'],
    'confirmation_malformed',
    /found +a cnf that is no object/,
  ],
  [
    'a confirmation with nothing in it',
    async () => ({ token: await bound({ claims: { cnf: {} } }), policy: 'unbound' }),
    ['confirmation'],
    'confirmation_unsupported',
    /expected +cnf with x5t#S256, or no cnf\n +found +cnf with nothing/,
  ],
  [
    'a token without an end',
    async () => ({ token: await bound({ claims: { exp: undefined, iat: undefined, nbf: undefined } }) }),
    ['times', 'claims'],
    'claim_missing',
    /found +no time/,
  ],
  [
    'a token that is too old, has a claim that is forbidden and lacks one that is demanded',
    async () => ({
      policy: 'strict',
      token: await bound({ claims: { iat: now() - 600, act: {}, ...manyClaims(40) }, audience: ['x', 'y'] }),
    }),
    ['audience', 'times', 'claims'],
    'audience_mismatch',
    /iat at most 60 s ago[^]*auth_time; without act\n.* and \d+ more/,
  ],
  [
    'a token of Okta without a key identifier that is signed by another key',
    async () => ({
      policy: 'okta',
      token: await bound({
        fault: 'foreign-key',
        header: { typ: undefined, kid: undefined },
        claims: { cid: 'a', scp: [], client_id: undefined },
      }),
    }),
    ['signature'],
    'signature_invalid',
    /found +no kid/,
  ],
  [
    'a token of Entra ID, where no preset is used',
    async () => ({
      token: await bound({
        header: { typ: 'JWT' },
        claims: { azp: 'a', uti: 'u', tid: 't', scp: 'b', ver: '2.0', client_id: undefined },
      }),
    }),
    ['type', 'claims'],
    'token_type_mismatch',
    /forEntraId\(\)/,
  ],
  [
    'a token of Hydra, where no preset is used',
    async () => ({
      token: await bound({ header: { typ: 'JWT' }, claims: { scp: ['a'], ext: {}, client_id: 'a' } }),
    }),
    ['type'],
    'token_type_mismatch',
    /forHydra\(\)/,
  ],
  [
    'a certificate that the policy denies',
    async () => ({
      token: await bound({ certificate: world.client2 }),
      cert: 'client2',
      policy: 'checked',
      args: ['--fetch'],
    }),
    ['certificate_chain'],
    'certificate_denied',
    /found +a chain \(deny has a rule for it \(CN=client2\)\)/,
  ],
  [
    'a proof for a path that can be read in two ways',
    async () => ({ ...(await proved()), args: ['--url', '/a\\b'] }),
    ['proof_target'],
    'proof_target_mismatch',
    /a path that can be read in one way only/,
  ],
  [
    'two proofs at once',
    async () => {
      const { proof = '', ...given } = await proved();
      return { ...given, proof: `${proof}, ${proof}` };
    },
    ['proof_form'],
    'proof_malformed',
    /found +one/,
  ],
  [
    'a proof with a nonce of somebody else',
    async () => ({ ...(await proved({ nonce: 'n'.repeat(40) })), policy: 'nonces' }),
    ['proof_nonce'],
    'proof_nonce_unknown',
    /found +a nonce/,
  ],
  [
    'several faults at once',
    async () => ({
      token: await bound({ audience: 'x', lifetime: -60, header: { typ: 'JWT' } }),
      cert: 'client2',
    }),
    ['type', 'audience', 'times', 'certificate_thumbprint'],
    'token_type_mismatch',
    /by policy plain of /,
  ],
];

function manyClaims(count: number): object {
  return Object.fromEntries(Array.from({ length: count }, (_, index) => [`claim${index}`, index]));
}

/** The digests of certificates and keys are no secrets, and are found in tokens that are bound to them. */
function piecesOf({ token, proof = '' }: Given): readonly string[] {
  return [token, ...token.split('.'), proof, ...proof.split('.')].filter((piece) => piece.length >= 16);
}

describe('the command explain', () => {
  test.each(BROKEN)('explain names what is broken: %s', async (_, make, failed, reason, says) => {
    const given = await make();
    const { code, out, err } = await explain(given);
    expect([code, err]).toEqual([1, '']);
    expect(out).toMatch(says);
    expect(out).toContain(`: ${reason}; the caller is told 4`);
    const { outcome, steps, ...explanation } = await explainAsJson(given);
    expect([outcome, explanation.reason]).toEqual(['refused', reason]);
    const failures = steps.filter(({ result }) => result === 'failed');
    expect(failures.map(({ check }) => check)).toEqual(failed);
    expect(failures.filter(({ remedy = '' }) => !remedy.endsWith('.'))).toEqual([]);
    for (const piece of piecesOf(given)) expect(out.includes(piece), piece.slice(0, 12)).toBe(false);
  });

  test('explain asks nobody unless it is told to', async () => {
    const before = [as.requests.length, other.requests.length];
    for (const policy of ['plain', 'discovered', 'introspected']) {
      const { notChecked } = await explainAsJson({ token: await bound(), policy });
      expect(notChecked).toEqual(
        { plain: [], discovered: ['signature'], introspected: ['introspection'] }[policy],
      );
    }
    expect([as.requests.length, other.requests.length]).toEqual(before);
  });

  test('explain asks for the status list that a token names only where it is told to, and looks at its place at once', async () => {
    const uri = as.publishStatusList([0, 1]);
    const token = async (status_list: object): Promise<string> =>
      bound({ claims: { status: { status_list } } });
    const before = as.requests.length;
    const { outcome, notChecked } = await explainAsJson({ token: await token({ uri, idx: 1 }) });
    expect([outcome, notChecked]).toEqual(['accepted', ['status']]);
    expect(await explainAsJson({ token: await token({ uri, idx: -1 }) })).toMatchObject({
      outcome: 'refused',
      reason: 'status_malformed',
    });
    const elsewhere = `${other.issuer}/statuslists/1`;
    expect(await explainAsJson({ token: await token({ uri: elsewhere, idx: 0 }) })).toMatchObject({
      reason: 'status_unsupported',
    });
    expect(as.requests).toHaveLength(before);
    const args = ['--fetch'];
    expect(await explainAsJson({ token: await token({ uri, idx: 0 }), args })).toMatchObject({
      outcome: 'accepted',
      notChecked: [],
    });
    expect(await explainAsJson({ token: await token({ uri, idx: 1 }), args })).toMatchObject({
      outcome: 'refused',
      reason: 'status_invalid',
    });
  });

  test.each([
    ['discovered', 'jwks'],
    ['introspected', 'introspection'],
  ] as const)('explain --fetch checks what needs the server, by the policy %s', async (policy, endpoint) => {
    const before = as.count(endpoint);
    const token = await bound();
    as.answerIntrospection(token, { active: true, ...claimsOf(token) });
    const given: Given = { token, policy, args: ['--fetch'] };
    const { code, out } = await explain(given);
    expect([code, out.split('\n', 1)[0]]).toEqual([0, expect.stringMatching(/^accepted, by .*\.json\.$/)]);
    expect(as.count(endpoint)).toBeGreaterThan(before);
  });

  test('explain --fetch says that a token was revoked, or that nobody answers', async () => {
    const token = await bound();
    const given: Given = { token, policy: 'introspected', args: ['--fetch'] };
    expect(await explainAsJson(given)).toMatchObject({ outcome: 'refused', reason: 'token_inactive' });
    as.behave('introspection', { status: 401, body: '{"error":"invalid_client"}' });
    const refused = await explainAsJson(given);
    as.behave('introspection', 'normal');
    expect(refused).toMatchObject({
      outcome: 'unavailable',
      reason: 'authorization_server_refused_client',
      status: 503,
    });
    expect(JSON.stringify(refused)).not.toContain('api-secret');
  });

  test('explain asks about an opaque token where it is told to, and about a token that is refused anyway it asks nobody', async () => {
    const opaque: Given = { token: as.opaqueToken({ certificate: world.client1 }), policy: 'opaque' };
    expect(await explainAsJson(opaque)).toMatchObject({ outcome: 'accepted', notChecked: ['introspection'] });
    const args = ['--fetch'];
    expect(await explainAsJson({ ...opaque, args })).toMatchObject({ reason: 'scope_missing' });
    const scoped = as.opaqueToken({ certificate: world.client1, scope: 'payments:read' });
    expect(await explainAsJson({ ...opaque, token: scoped, args })).toMatchObject({
      outcome: 'accepted',
      notChecked: [],
    });
    expect(await explainAsJson({ ...opaque, token: 'made-up', args })).toMatchObject({
      reason: 'token_inactive',
    });
    const jwt = await bound({ scope: 'payments:read' });
    as.answerIntrospection(jwt, { active: true, ...claimsOf(jwt) });
    expect(await explainAsJson({ ...opaque, token: jwt, args })).toMatchObject({
      outcome: 'accepted',
      notChecked: [],
    });
    const before = as.count('introspection');
    const expired = await explainAsJson({
      token: await bound({ lifetime: -60 }),
      policy: 'introspected',
      args,
    });
    expect([expired.reason, expired.notChecked]).toEqual(['token_expired', ['introspection']]);
    expect(as.count('introspection')).toBe(before);
  });

  test('explain says which checks of a certificate were not made', async () => {
    const any = await explainAsJson({ token: await bound(), policy: 'anyTrust' });
    expect([any.outcome, any.notChecked]).toEqual(['accepted', ['certificate_chain']]);
    const checked = await explainAsJson({ token: await bound(), policy: 'checked' });
    expect([checked.outcome, checked.notChecked]).toEqual(['accepted', ['certificate_checks']]);
    const all = await explainAsJson({ token: await bound(), policy: 'checked', args: ['--fetch'] });
    expect([all.outcome, all.notChecked]).toEqual(['accepted', []]);
  });

  test('explain takes certificates as DER, and says when a file has none', async () => {
    const folder = await folderWith({ ...files, 'client1.der': world.client1.der, empty: '' });
    const args = ['explain', '--config', join(folder, 'config.json'), '--policy', 'plain', '--cert'];
    expect(await runWith(await bound(), [...args, join(folder, 'client1.der')])).toMatchObject({ code: 0 });
    const none = join(folder, 'empty');
    expect(await runWith(await bound(), [...args, none])).toMatchObject({
      code: 2,
      err: `${none} holds no certificate, PEM or DER`,
    });
  });

  test('explain says that demands cannot be checked where the claims of a token cannot be read', async () => {
    const { reason, notChecked } = await explainAsJson({
      token: await bound({ claims: { aud: 7 } }),
      policy: 'scoped',
    });
    expect([reason, notChecked]).toEqual(['claim_malformed', ['demands']]);
  });

  test('explain accepts a token that is bound to nothing where the policy does', async () => {
    const { outcome, steps } = await explainAsJson({
      token: await as.accessToken(),
      policy: 'unbound',
      cert: 'none',
    });
    expect([outcome, steps.find(({ check }) => check === 'confirmation')?.found]).toEqual([
      'accepted',
      'no cnf',
    ]);
  });

  test('RFC9449-11: a proof may be as old as its nonce where the nonce stands for its time', async () => {
    const { outcome, reason, notChecked } = await explainAsJson({
      ...(await proved({ fault: 'stale' })),
      policy: 'freshNonces',
    });
    expect([outcome, reason, notChecked]).toEqual([
      'refused',
      'proof_nonce_missing',
      ['proof_time', 'proof_replay'],
    ]);
  });

  test.each([
    ['what is behind the public URL', '/orders', URL_OF_ORDERS],
    ['the public URL itself', PUBLIC_URL, `${PUBLIC_URL}/`],
    ['the same on another host', 'http://127.0.0.1:3000/orders', URL_OF_ORDERS],
    ['a path that is no path', 'orders', `${PUBLIC_URL}/`],
    ['a query', `${URL_OF_ORDERS}?page=2`, URL_OF_ORDERS],
  ])('explain takes as --url %s', async (_, url, target) => {
    const args = ['--url', url, '--method', 'get'];
    const { outcome, reason } = await explainAsJson({ ...(await proved({ url: target })), args });
    expect([outcome, reason]).toEqual(['accepted', undefined]);
  });

  test('RFC9449-11: explain uses up no proof: the same one is explained twice', async () => {
    const given = await proved();
    for (const _ of [1, 2]) {
      const { outcome, notChecked } = await explainAsJson(given);
      expect([outcome, notChecked]).toEqual(['accepted', ['proof_replay']]);
    }
  });

  test('explain takes method and URL from the proof where they are not given', async () => {
    const { token, proof = '' } = await proved({ method: 'PUT' });
    expect(await explainAsJson({ token, proof, policy: 'dpop' })).toMatchObject({ outcome: 'accepted' });
  });

  test('explain says what it cannot know: a chain that the proxy verifies, a nonce of a running API', async () => {
    const proxied = await explainAsJson({ token: await bound(), policy: 'proxied' });
    expect([proxied.outcome, proxied.notChecked]).toEqual(['accepted', ['certificate_chain']]);
    const nonces = await explainAsJson({ ...(await proved()), policy: 'secretNonces' });
    expect([nonces.outcome, nonces.notChecked]).toEqual(['accepted', ['proof_nonce', 'proof_replay']]);
  });

  test('explain takes an issuer and an audience in the place of a file', async () => {
    const folder = await folderWith(files);
    const token = await bound({ header: { typ: 'JWT' }, claims: { typ: 'Bearer', azp: 'a' } });
    const args = ['--issuer', as.issuer, '--audience', AUDIENCE, '--ca', join(folder, 'ca.pem')];
    const cert = ['--cert', join(folder, 'client1.pem')];
    const plain = await runWith(token, ['explain', ...args, ...cert, '--fetch']);
    expect([plain.code, plain.out]).toEqual([1, expect.stringContaining('token_type_mismatch')]);
    const preset = await runWith(token, ['explain', ...args, ...cert, '--fetch', '--preset', 'keycloak']);
    expect([preset.code, preset.err]).toEqual([0, '']);
    const { token: bySomeKey, proof = '' } = await proved();
    const proofFile = join(await folderWith({ proof }), 'proof');
    const withKey = [...args, '--public-url', PUBLIC_URL, '--proof', proofFile, '--fetch'];
    expect(await runWith(bySomeKey, ['explain', ...withKey])).toMatchObject({ code: 0, err: '' });
  });

  test('explain --json has the members that docs/finding-out-why.md names', async () => {
    const explanation = await explainAsJson({ token: await bound({ audience: 'x' }) });
    expect(Object.keys(explanation)).toEqual([
      'outcome',
      'reason',
      'status',
      'error',
      'steps',
      'notChecked',
      'presets',
    ]);
    for (const step of explanation.steps) {
      expect(CHECKS).toContain(step.check);
      expect(Object.keys(step).slice(0, 5)).toEqual(['stage', 'check', 'expected', 'found', 'result']);
    }
  });

  test.each<[string, readonly string[], RegExp]>([
    ['without a configuration', [], /^give --config/],
    ['with two of them', ['--config', 'x', '--issuer', 'y'], /not both/],
    ['without an audience', ['--issuer', 'https://as.example.com'], /^give --audience/],
    [
      'with a preset that there is not',
      ['--issuer', 'https://a.example', '--audience', 'b', '--preset', 'oktaa'],
      /did you mean okta\?/,
    ],
    [
      'with an issuer that is no URL',
      ['--issuer', 'nonsense', '--audience', 'b'],
      /authorizationServers\[0\]\.issuer/,
    ],
    ['with a file that is not there', ['--config', '/none.json'], /ENOENT/],
    ['with an option that there is not', ['--isuer', 'x'], /did you mean --issuer\?/],
    ['with an option without its value', ['--config'], /--config needs a value/],
    ['with a value too much', ['--fetch=yes'], /--fetch takes no value/],
    ['with an option that is like no other', ['--zzzzzzzz', 'x'], /^there is no option --zzzzzzzz$/],
    [
      'with a preset that is like no other',
      ['--issuer', 'https://a.example', '--audience', 'b', '--preset', 'zzzzzzzz'],
      /there are keycloak, .*hydra/,
    ],
    [
      'with the policy of a file, and no file',
      ['--issuer', 'https://a.example', '--audience', 'b', '--policy', 'p'],
      /^--policy names a policy of --config$/,
    ],
    [
      'with a file and what is in the file',
      ['--config', 'x', '--audience', 'b'],
      /^--audience goes with --issuer/,
    ],
  ])('explain is misused %s: it ends with 2 and says so', async (_, args, says) => {
    const { code, out, err } = await runWith('a.token', ['explain', ...args]);
    expect([code, out, err]).toEqual([2, '', expect.stringMatching(says)]);
  });

  test('explain refuses a token on its command line, and does not repeat it', async () => {
    const token = await bound();
    for (const args of [[token], ['--token', token], [`--token=${token}`], [`--${token}`]]) {
      const { code, out, err } = await runWith('', ['explain', '--issuer', 'https://a.example', ...args]);
      expect([code, out]).toEqual([2, '']);
      expect(err).toMatch(/^a token is never taken from the command line/);
      expect(err).not.toContain(token.slice(0, 20));
    }
  });

  test('explain says that standard input or the file has no token', async () => {
    const args = ['explain', '--issuer', 'https://a.example', '--audience', 'b'];
    expect(await runWith(' \n', args)).toMatchObject({ code: 2, err: 'there is no token on standard input' });
    const file = join(await folderWith({ token: '' }), 'token');
    const empty = await runWith('x', [...args, '--token-file', file]);
    expect([empty.code, empty.err]).toEqual([2, `there is no token in ${file}`]);
  });

  test('explain asks for the name of a policy where there are several, and says what is wrong with a configuration', async () => {
    const folder = await folderWith({ ...files, 'wrong.json': '{"listen":{"port":0}}' });
    const several = await runWith('x', ['explain', '--config', join(folder, 'config.json')]);
    expect([several.code, several.err]).toEqual([
      2,
      expect.stringMatching(/^name a policy by --policy: plain, scoped/),
    ]);
    const only = JSON.stringify({ ...configuration(), policies: { plain: {} } });
    const single = join(await folderWith({ ...files, 'only.json': only }), 'only.json');
    expect(await runWith('x', ['explain', '--config', single])).toMatchObject({ code: 1, err: '' });
    const wrong = await runWith('x', ['explain', '--config', join(folder, 'wrong.json')]);
    expect([wrong.code, wrong.err]).toEqual([2, expect.stringContaining('- trustedProxies (undefined)')]);
  });

  test('explain --help says what it takes', async () => {
    for (const option of ['--help', '-h']) {
      expect(await runWith('', ['explain', option])).toMatchObject({
        code: 0,
        out: expect.stringMatching(/^Usage: nestjs-cert-bound-auth explain/) as unknown,
      });
    }
  });
});

/** The same token with more in its header, which nobody has signed. */
function withHeader(token: string, members: object): string {
  const [header = '', ...rest] = token.split('.');
  const own = JSON.parse(Buffer.from(header, 'base64url').toString()) as object;
  return [Buffer.from(JSON.stringify({ ...own, ...members })).toString('base64url'), ...rest].join('.');
}

function claimsOf(token: string): object {
  return JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString()) as object;
}

test.each([
  ['issued', 'client1', undefined],
  ['elsewhere', 'client1', 'certificate_issuer_unmet'],
  ['pi', 'tpp', undefined],
  ['pi', 'client1', 'certificate_role_missing'],
] as const)(
  'explain holds what the policy %s demands of a certificate against that of %s: %s',
  async (policy, cert, reason) => {
    const token = await bound({ certificate: certificates[cert] });
    const { steps } = await explainAsJson({ token, policy, cert });
    const demands = steps.find(({ check }) => check === 'demands');
    expect([demands?.result, demands?.reason]).toEqual([reason === undefined ? 'passed' : 'failed', reason]);
  },
);
