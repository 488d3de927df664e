import { X509Certificate } from 'node:crypto';
import type { TestAuthorizationServer } from 'nestjs-cert-bound-auth/testing';
import { describe, expect, test } from 'vitest';
import { caep, risc } from '../../support/event-types.js';
import { PLATFORMS } from '../../support/platforms.js';
import { startSignalApi } from '../../support/signal-api.js';
import { TestTransmitter } from '../../support/transmitter.js';
import { createWorld, startAuthorizationServer } from '../../support/world.js';

const world = await createWorld();
const { issuer, serialNumber } = new X509Certificate(world.client1.cert);
const ISSUER_OF_CLIENTS = issuer.split('\n').toReversed().join(', ');
const now = Math.floor(Date.now() / 1000);
/** By its own clock, the transmitter saw it happen ten seconds ago. */
const BEFORE = { event_timestamp: now - 10 };

type Subject = (as: TestAuthorizationServer) => object;

const user: Subject = (as) => ({ format: 'iss_sub', iss: as.issuer, sub: 'alice' });
const session: Subject = () => ({ format: 'opaque', id: 'sid-1' });
const token: Subject = (as) => ({ format: 'jwt_id', iss: as.issuer, jti: 'jti-old' });
const complex =
  (members: Readonly<Record<string, Subject | object>>): Subject =>
  (as) => ({
    format: 'complex',
    ...Object.fromEntries(
      Object.entries(members).map(([name, member]) => [
        name,
        typeof member === 'function' ? (member as Subject)(as) : member,
      ]),
    ),
  });

/** The tokens of alice that are refused: issued before the event in session 1, issued after it, in session 2, without session; and bob's. */
type Refused = readonly ('old' | 'new' | 'session2' | 'none' | 'bob')[];

const OF_ALICE: Refused = ['old', 'session2', 'none'];

const ROWS: readonly (readonly [
  name: string,
  type: string,
  event: object,
  subject: Subject | undefined,
  refused: Refused,
])[] = [
  ['a user', caep('session-revoked'), BEFORE, user, OF_ALICE],
  [
    'a user, of no time',
    caep('session-revoked'),
    { event_timestamp: 'x' },
    user,
    ['old', 'new', 'session2', 'none'],
  ],
  [
    'a user, of a time in milliseconds',
    caep('session-revoked'),
    { event_timestamp: now * 1000 },
    user,
    ['old', 'new', 'session2', 'none'],
  ],
  ['a session', caep('session-revoked'), BEFORE, session, ['old', 'new']],
  [
    'a session by complex subject',
    caep('session-revoked'),
    BEFORE,
    complex({ session, tenant: session }),
    ['old', 'new'],
  ],
  [
    'a session of a user',
    caep('session-revoked'),
    BEFORE,
    complex({ user, session }),
    ['old', 'new', 'none'],
  ],
  ['a user on a device', caep('session-revoked'), BEFORE, complex({ user, device: session }), OF_ALICE],
  ['nobody but a tenant', caep('session-revoked'), BEFORE, complex({ tenant: session }), []],
  ['a token', caep('token-claims-change'), { ...BEFORE, claims: { role: 'x' } }, token, ['old']],
  ['a user', caep('token-claims-change'), { ...BEFORE, claims: { role: 'x' } }, user, OF_ALICE],
  ['the session', caep('token-claims-change'), { ...BEFORE, claims: { role: 'x' } }, session, ['old']],
  [
    'a password',
    caep('credential-change'),
    { ...BEFORE, credential_type: 'password', change_type: 'update' },
    user,
    OF_ALICE,
  ],
  [
    'a new credential',
    caep('credential-change'),
    { ...BEFORE, credential_type: 'fido2-roaming', change_type: 'create' },
    user,
    [],
  ],
  [
    'a certificate',
    caep('credential-change'),
    {
      credential_type: 'x509',
      change_type: 'revoke',
      x509_issuer: ISSUER_OF_CLIENTS,
      x509_serial: serialNumber,
    },
    user,
    ['old', 'new', 'session2', 'none', 'bob'],
  ],
  [
    'a certificate, its number in decimal and its name from the root on',
    caep('credential-change'),
    {
      credential_type: 'x509',
      change_type: 'delete',
      x509_issuer: issuer.split('\n').join(','),
      x509_serial: BigInt(`0x${serialNumber}`).toString(),
    },
    user,
    ['old', 'new', 'session2', 'none', 'bob'],
  ],
  [
    'a certificate that is renewed',
    caep('credential-change'),
    { credential_type: 'x509', change_type: 'update', x509_issuer: 'CN=x', x509_serial: '01' },
    user,
    [],
  ],
  [
    'a certificate that is not named',
    caep('credential-change'),
    { ...BEFORE, credential_type: 'x509', change_type: 'revoke', x509_issuer: '?', x509_serial: '01' },
    user,
    OF_ALICE,
  ],
  [
    'a certificate that no token is known to be bound to',
    caep('credential-change'),
    {
      ...BEFORE,
      credential_type: 'x509',
      change_type: 'revoke',
      x509_issuer: 'CN=Elsewhere',
      x509_serial: '01',
    },
    user,
    OF_ALICE,
  ],
  [
    'the session of a user whom nobody finds',
    caep('session-revoked'),
    BEFORE,
    complex({ user: { format: 'email', email: 'a@example.com' }, session }),
    ['old', 'new'],
  ],
  [
    'a session of a user of another issuer',
    caep('session-revoked'),
    BEFORE,
    complex({ user: { format: 'iss_sub', iss: 'https://other.example.com', sub: 'alice' }, session }),
    [],
  ],
  [
    'a session of aliases of another issuer',
    caep('session-revoked'),
    BEFORE,
    complex({
      user: {
        format: 'aliases',
        identifiers: [1, { format: 'iss_sub', iss: 'https://other.example.com', sub: 'alice' }],
      },
      session,
    }),
    [],
  ],
  [
    'less assurance',
    caep('assurance-level-change'),
    { ...BEFORE, change_direction: 'decrease' },
    user,
    OF_ALICE,
  ],
  ['assurance of no direction', caep('assurance-level-change'), { ...BEFORE }, user, OF_ALICE],
  ['more assurance', caep('assurance-level-change'), { ...BEFORE, change_direction: 'increase' }, user, []],
  [
    'a device',
    caep('device-compliance-change'),
    { ...BEFORE, current_status: 'not-compliant' },
    complex({ user, device: session }),
    OF_ALICE,
  ],
  ['a good device', caep('device-compliance-change'), { ...BEFORE, current_status: 'compliant' }, user, []],
  ['an account', risc('account-disabled'), { ...BEFORE, reason: 'hijacking' }, user, OF_ALICE],
  ['an account', risc('account-purged'), BEFORE, user, OF_ALICE],
  ['a credential', risc('credential-compromise'), { ...BEFORE, credential_type: 'password' }, user, OF_ALICE],
  ['an account', risc('account-credential-change-required'), BEFORE, user, OF_ALICE],
  ['an account', risc('sessions-revoked'), BEFORE, user, OF_ALICE],
  [
    'an account by aliases',
    risc('account-purged'),
    BEFORE,
    (as) => ({ format: 'aliases', identifiers: [{ format: 'email', email: 'a@example.com' }, user(as), 1] }),
    OF_ALICE,
  ],
  [
    'an account as Google names it',
    risc('account-disabled'),
    (as: TestAuthorizationServer) => ({
      ...BEFORE,
      subject: { subject_type: 'iss-sub', iss: as.issuer, sub: 'alice' },
    }),
    undefined,
    OF_ALICE,
  ],
  ['a risk', caep('risk-level-change'), { ...BEFORE, current_level: 'HIGH' }, user, []],
  ['an identifier', risc('identifier-changed'), BEFORE, user, []],
];

describe.each(PLATFORMS)('what events do to tokens, on %s', (platform) => {
  test.each(ROWS)('about %s, the event %s refuses what it names and nothing else', async (...row) => {
    const [, type, event, subject, refused] = row;
    const as = await startAuthorizationServer(world);
    const transmitter = await TestTransmitter.start(world);
    const api = await startSignalApi(world, platform, { as, transmitter });
    const made = {
      old: { iat: now - 60, sid: 'sid-1', jti: 'jti-old' },
      new: { iat: now - 5, sid: 'sid-1' },
      session2: { iat: now - 60, sid: 'sid-2' },
      none: { iat: now - 60 },
      bob: { iat: now - 60, sub: 'bob' },
    };
    const tokens = await Promise.all(
      Object.entries(made).map(async ([name, claims]) => {
        const options = { certificate: world.client1, subject: 'alice', claims, lifetime: 600 };
        return [name, await as.accessToken(options)] as const;
      }),
    );
    for (const [, each] of tokens) expect(await api.call(each)).toBe(200);
    const set = await transmitter.set({
      type,
      event: typeof event === 'function' ? (event as Subject)(as) : event,
      subject: subject?.(as),
    });
    expect((await api.push(set)).status).toBe(202);
    const found: string[] = [];
    for (const [name, each] of tokens) if ((await api.call(each)) === 401) found.push(name);
    expect(found.toSorted()).toEqual([...refused].toSorted());
  });

  test('account-enabled lifts what was disabled before, and nothing of its own second or later', async () => {
    const as = await startAuthorizationServer(world);
    const transmitter = await TestTransmitter.start(world);
    const api = await startSignalApi(world, platform, { as, transmitter });
    const alice = await as.accessToken({
      certificate: world.client1,
      subject: 'alice',
      claims: { iat: now - 60 },
    });
    const say = async (name: string, at: number): Promise<number> => {
      const event = { event_timestamp: at };
      const set = await transmitter.set({ type: risc(name), event, subject: user(as) });
      expect((await api.push(set)).status).toBe(202);
      return api.call(alice);
    };
    expect(await say('account-disabled', now - 30)).toBe(401);
    expect(await say('account-enabled', now - 40)).toBe(401);
    expect(await say('account-enabled', now - 30)).toBe(401);
    expect(await say('account-enabled', now - 20)).toBe(200);
    // What comes late says nothing any more.
    expect(await say('account-disabled', now - 25)).toBe(200);
    expect(await say('account-disabled', now - 20)).toBe(401);
    expect(await say('account-purged', now - 20)).toBe(401);
    expect(await say('account-enabled', now - 1)).toBe(401);
  });

  test('account-enabled of one transmitter does not lift what another one has disabled, and new tokens are good', async () => {
    const as = await startAuthorizationServer(world);
    const [transmitter, other] = await Promise.all([
      TestTransmitter.start(world),
      TestTransmitter.start(world),
    ]);
    const api = await startSignalApi(
      world,
      platform,
      { as, transmitter },
      {
        signals: (first) => ({
          path: '/signals',
          transmitters: [first, { ...first, issuer: other.issuer }],
        }),
      },
    );
    const tokenOf = async (iat: number): Promise<string> =>
      as.accessToken({ certificate: world.client1, subject: 'alice', claims: { iat } });
    const [old, fresh] = await Promise.all([tokenOf(now - 60), tokenOf(now - 5)]);
    const disabled = { type: risc('account-disabled'), event: { event_timestamp: now - 30 } };
    const enabled = { type: risc('account-enabled'), event: { event_timestamp: now - 20 } };
    const subject = user(as);
    for (const set of [
      await transmitter.set({ ...disabled, subject }),
      await other.set({ ...enabled, subject }),
      await transmitter.set({ ...enabled, subject }),
    ])
      expect((await api.push(set)).status).toBe(202);
    expect([await api.call(old), await api.call(fresh)]).toEqual([401, 200]);
  });

  test('account-enabled of one issuer of users does not lift what was disabled of another', async () => {
    const as = await startAuthorizationServer(world);
    const transmitter = await TestTransmitter.start(world);
    const partner = 'https://partner.example.com';
    const subjects = { issuers: { [as.issuer]: as.issuer, [partner]: as.issuer } };
    const api = await startSignalApi(world, platform, { as, transmitter }, { transmitter: { subjects } });
    const alice = await as.accessToken({
      certificate: world.client1,
      subject: 'alice',
      claims: { iat: now - 60 },
    });
    const say = async (name: string, at: number, subject: object): Promise<number> => {
      const event = { event_timestamp: at };
      return (await api.push(await transmitter.set({ type: risc(name), event, subject }))).status;
    };
    expect(await say('account-disabled', now - 30, user(as))).toBe(202);
    expect(await say('account-enabled', now - 20, { ...user(as), iss: partner })).toBe(202);
    expect(await api.call(alice)).toBe(401);
  });
});
