import * as fc from 'fast-check';
import type { CertBoundAuthOptions } from 'nestjs-cert-bound-auth';
import { afterAll, describe, expect, test } from 'vitest';
import { type FuzzedAnswer, FuzzAuthority } from './fuzz-authority.js';
import { AUDIENCE, createFuzzKit } from './fuzz-kit.js';
import { parametersOf, runsOf, SEED, timeFor } from './fuzz-runs.js';
import { Library } from './library.js';
import { hasKey, isActive, keysUrlIn } from './oracle/oracle-authority.js';
import { type Edit, editedText, type Entry, entriesOf } from './plan/edit.js';
import { anyEdit } from './plan/values.js';
import { signedToken } from './plan/signed-token.js';
import { STRANGER } from './setups.js';

const kit = await createFuzzKit();
const authority = await FuzzAuthority.start();
afterAll(async () => authority.stop());

// Each has an authorization server to ask.
const RUNS = Math.min(2_000, runsOf(0.01));

/** What is wrong with one answer; nothing, where it has neither. */
interface AnswerPlan {
  readonly edits: readonly Edit[];
  readonly status: number;
  readonly contentType: string;
  readonly body: 'text' | 'empty' | 'cut' | 'too large' | 'random';
}

const RIGHT: AnswerPlan = { edits: [], status: 200, contentType: 'application/json', body: 'text' };

const KEY_MEMBERS = ['keys', 'kty', 'crv', 'x', 'y', 'd', 'kid', 'use', 'alg', 'key_ops', 'x5c', 'x5u'];
const METADATA = [
  'issuer',
  'issuer',
  'jwks_uri',
  'jwks_uri',
  'introspection_endpoint',
  'mtls_endpoint_aliases',
];
const ANSWER = ['active', 'active', 'iss', 'aud', 'exp', 'sub', 'client_id', 'cnf', 'scope', 'token_type'];

function anyAnswer(names: readonly string[]): fc.Arbitrary<AnswerPlan> {
  return fc.oneof(
    { weight: 3, arbitrary: fc.constant(RIGHT) },
    {
      weight: 5,
      arbitrary: fc
        .array(anyEdit(names), { minLength: 1, maxLength: 3 })
        .map((edits) => ({ ...RIGHT, edits })),
    },
    {
      weight: 3,
      arbitrary: fc.record({
        edits: fc.constant([]),
        status: fc.constantFrom(
          200,
          200,
          200,
          201,
          204,
          301,
          302,
          304,
          307,
          400,
          401,
          403,
          404,
          418,
          429,
          500,
          503,
        ),
        contentType: fc.constantFrom(
          'application/json',
          'text/html',
          'application/jwk-set+json',
          '',
          'x'.repeat(200),
        ),
        body: fc.constantFrom('text' as const, 'empty', 'cut', 'too large', 'random'),
      }),
    },
  );
}

/** So large that no answer of this size is read. */
const LIMIT = 65_536;

function answerOf(entries: readonly Entry[], { edits, status, contentType, body }: AnswerPlan): FuzzedAnswer {
  const text = editedText(entries, edits, Math.floor(Date.now() / 1000));
  const bodies = {
    text,
    empty: Buffer.alloc(0),
    cut: text.subarray(0, text.length >> 1),
    'too large': Buffer.concat([text, Buffer.alloc(LIMIT, ' ')]),
    random: Buffer.from('\u0000\ufffe<html>{{'),
  };
  return { status, contentType, body: bodies[body], location: `${authority.origin}/elsewhere` };
}

/** The metadata, the keys and the answer about the token, of an issuer of its own, so that nothing is known of it. */
interface AuthorityPlan {
  readonly metadata: AnswerPlan;
  readonly keys: AnswerPlan;
  readonly key: readonly Edit[];
  readonly introspection: AnswerPlan;
}

const anyAuthority: fc.Arbitrary<AuthorityPlan> = fc.record({
  metadata: fc.oneof(
    { weight: 2, arbitrary: fc.constant(RIGHT) },
    { weight: 1, arbitrary: anyAnswer(METADATA) },
  ),
  keys: fc.oneof({ weight: 2, arbitrary: fc.constant(RIGHT) }, { weight: 1, arbitrary: anyAnswer(['keys']) }),
  key: fc.oneof(
    { weight: 2, arbitrary: fc.constant<readonly Edit[]>([]) },
    { weight: 1, arbitrary: fc.array(anyEdit(KEY_MEMBERS), { minLength: 1, maxLength: 2 }) },
  ),
  introspection: anyAnswer(ANSWER),
});

function isRight({ metadata, keys, key }: AuthorityPlan): boolean {
  return metadata === RIGHT && keys === RIGHT && key.length === 0;
}

let serial = 0;

/** Puts the documents of a new issuer on the server. */
function publish(plan: AuthorityPlan): { readonly issuer: string; readonly path: string } {
  serial += 1;
  const path = `/t${serial}`;
  const issuer = authority.origin + path;
  const { jwk, kid } = kit.foreignKey;
  const key = editedText(entriesOf({ ...jwk, kid, use: 'sig', alg: 'ES256' }), plan.key, 0).toString();
  const metadata = { issuer, jwks_uri: `${issuer}/jwks`, introspection_endpoint: `${issuer}/introspect` };
  authority.forget();
  authority.answer(
    `/.well-known/oauth-authorization-server${path}`,
    answerOf(entriesOf(metadata), plan.metadata),
  );
  authority.answer(`${path}/jwks`, answerOf([['"keys"', `[${key}]`]], plan.keys));
  authority.answer(
    `${path}/introspect`,
    answerOf([['"active"', 'true'], ...entriesOf(claimsOf(issuer))], plan.introspection),
  );
  return { issuer, path };
}

function claimsOf(issuer: string): object {
  const now = Math.floor(Date.now() / 1000);
  const cnf = { 'x5t#S256': kit.certificates.client1.thumbprint };
  return { iss: issuer, aud: AUDIENCE, sub: 'u', client_id: 'c', iat: now, exp: now + 300, jti: 'j', cnf };
}

function optionsOf(issuer: string): CertBoundAuthOptions {
  return {
    audience: AUDIENCE,
    authorizationServers: [
      {
        issuer,
        introspection: { clientAuthentication: { method: 'none', clientId: 'api' } },
        http: { allowLoopbackHttp: true, maxResponseSize: LIMIT },
      },
    ],
  };
}

interface Outcome {
  readonly status: number;
  readonly reason: string;
}

async function outcomeOf(issuer: string, token: string): Promise<Outcome> {
  const library = new Library(optionsOf(issuer));
  const decision = await library.decide({
    method: 'GET',
    target: '/',
    headers: [['Authorization', `Bearer ${token}`]],
    address: STRANGER,
    certificate: { der: kit.certificates.client1.der, chainTrusted: true },
    now: Date.now(),
  });
  await library.close();
  if (decision.outcome === 'accepted') return { status: 200, reason: 'accepted' };
  return { status: decision.error.refusal.status, reason: decision.error.reason };
}

describe('INV3, INV4: what authorization servers say', () => {
  test(
    `a JWT is accepted only by a key that is really published, for ${RUNS} metadata documents and key sets with seed ${SEED}`,
    { timeout: timeFor(RUNS * 10) },
    async () => {
      const outcomes = new Map<string, number>();
      await fc.assert(
        fc.asyncProperty(anyAuthority, async (plan) => {
          const { issuer, path } = publish(plan);
          const token = signedToken(kit.foreignKey, claimsOf(issuer));
          const { status, reason } = await outcomeOf(issuer, token);
          outcomes.set(reason, (outcomes.get(reason) ?? 0) + 1);
          if (isRight(plan)) expect(reason).toBe('accepted');
          expect([200, 401, 503]).toContain(status);
          expect(authority.hitsOf('/elsewhere')).toBe(0);
          if (status === 200) expect(isPublished(issuer, path)).toBe(true);
        }),
        parametersOf(RUNS),
      );
      console.log(`metadata and keys, seed ${SEED}:`, Object.fromEntries(outcomes));
      expect(outcomes.get('accepted')).toBeGreaterThan(RUNS / 10);
      expect(outcomes.get('authorization_server_answer_invalid')).toBeGreaterThan(RUNS / 20);
    },
  );

  test(
    `only an active answer is accepted, and nonsense is 503, for ${RUNS} introspection answers with seed ${SEED}`,
    { timeout: timeFor(RUNS * 10) },
    async () => {
      const outcomes = new Map<string, number>();
      await fc.assert(
        fc.asyncProperty(anyAnswer(ANSWER), async (introspection) => {
          const { issuer, path } = publish({ metadata: RIGHT, keys: RIGHT, key: [], introspection });
          const { status, reason } = await outcomeOf(issuer, `opaque-${serial}`);
          outcomes.set(reason, (outcomes.get(reason) ?? 0) + 1);
          if (introspection === RIGHT) expect(reason).toBe('accepted');
          expect([200, 401, 503]).toContain(status);
          expect(authority.hitsOf('/elsewhere')).toBe(0);
          const answer = authority.answerOf(`${path}/introspect`);
          if (status === 200) expect(isActive(answer)).toBe(true);
          if (status === 401) expect([200, 400]).toContain(answer.status);
          if (answer.status >= 500 || answer.status === 429) expect(status).toBe(503);
        }),
        parametersOf(RUNS),
      );
      console.log(`introspection answers, seed ${SEED}:`, Object.fromEntries(outcomes));
      expect(outcomes.get('accepted')).toBeGreaterThan(RUNS / 10);
      expect(outcomes.get('authorization_server_answer_invalid')).toBeGreaterThan(RUNS / 20);
    },
  );
});

/** Whether the key is where the metadata of the issuer says, and was fetched from there. */
function isPublished(issuer: string, path: string): boolean {
  const metadata = authority.answerOf(`/.well-known/oauth-authorization-server${path}`);
  if (keysUrlIn(metadata, issuer) !== `${issuer}/jwks`) return false;
  return hasKey(authority.answerOf(`${path}/jwks`), kit.foreignKey.jwk, kit.foreignKey.kid);
}
