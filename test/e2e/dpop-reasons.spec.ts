import { randomBytes } from 'node:crypto';
import { Controller, Get } from '@nestjs/common';
import { type DpopOptions, type ReplayStore, TooManyProofsError } from 'nestjs-cert-bound-auth';
import { TestDpopClient, type TestDpopProofOptions } from 'nestjs-cert-bound-auth/testing';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { PUBLIC_URL, startDpopApi } from '../support/dpop.js';
import { loggedRefusal } from '../support/logged-refusal.js';
import { PLATFORMS } from '../support/platforms.js';
import { RecordingLogger } from '../support/recording-logger.js';
import { clientOf, createWorld } from '../support/world.js';

@Controller()
class RootController {
  @Get() get(): string {
    return 'got';
  }
}

const world = await createWorld();
const [client, other] = [await TestDpopClient.create(), await TestDpopClient.create()];
afterEach(() => {
  vi.useRealTimers();
});

const NOW = 1_800_000_000;
const JTI = 'a'.repeat(256);

const htuIs = (htu: string, hint = ': it is not under publicUrl'): string =>
  `its htu is "${htu}", expected ["${PUBLIC_URL}/"]${hint}`;
const ODD_COORDINATE = 'the jwk of the proof: a coordinate is missing, malformed, or not of its full length';
const ODD_NUMBER = 'the jwk of the proof: its n or e is missing, malformed or too large';
const ODD_MODULUS = 'the jwk of the proof: its modulus is not of 2048 to 8192 bits';
const ODD_EXPONENT = 'the jwk of the proof: its exponent is not odd, or not from 65537 up to 2^32';
/** A modulus of so many bytes, all of whose bits are set. */
const modulus = (bytes: number): string => Buffer.alloc(bytes, 0xff).toString('base64url');

/** What the log says of a proof that differs from a right one in this. */
type Row = readonly [proof: Partial<TestDpopProofOptions>, reason: string, detail?: string];

const rows: readonly Row[] = [
  [{ claims: { padding: 'x'.repeat(4096) } }, 'proof_too_large'],
  [{ header: { typ: 'JWT' } }, 'proof_malformed', 'the proof: its typ is not dpop+jwt'],
  [{ header: { typ: 'DPOP+JWT' } }, 'proof_malformed', 'the proof: its typ is not dpop+jwt'],
  [{ fault: 'unsigned' }, 'proof_algorithm_not_allowed'],
  [{ header: { jwk: undefined } }, 'proof_malformed', 'the proof: its jwk is no object'],
  [{ header: { jwk: 'key' } }, 'proof_malformed', 'the proof: its jwk is no object'],
  [{ fault: 'private-key' }, 'proof_key_unusable', 'the jwk of the proof: it has private members'],
  [
    { header: { jwk: { kty: 'oct', k: 'AA' } } },
    'proof_key_unusable',
    'the jwk of the proof: it has private members',
  ],
  [{ claims: { jti: undefined } }, 'proof_malformed', 'the proof: its jti is no string'],
  [{ claims: { jti: 1 } }, 'proof_malformed', 'the proof: its jti is no string'],
  [{ claims: { jti: '' } }, 'proof_malformed', 'the proof: its jti is not 1 to 256 long'],
  [{ claims: { jti: `${JTI}a` } }, 'proof_malformed', 'the proof: its jti is not 1 to 256 long'],
  [{ claims: { htm: undefined } }, 'proof_malformed', 'the proof: its htm is no string'],
  [{ claims: { htu: ['x'] } }, 'proof_malformed', 'the proof: its htu is no string'],
  [{ claims: { iat: '1' } }, 'proof_malformed', 'the proof: its iat is no number'],
  [{ claims: { iat: undefined } }, 'proof_malformed', 'the proof: its iat is no number'],
  [{ claims: { ath: null } }, 'proof_malformed', 'the proof: its ath is no string'],
  [{ claims: { nonce: 1 } }, 'proof_malformed', 'the proof: its nonce is no string'],
  [{ fault: 'other-method' }, 'proof_method_mismatch', 'the request is a GET'],
  [{ claims: { htm: 'get' } }, 'proof_method_mismatch', 'the request is a GET'],
  [{ fault: 'other-url' }, 'proof_target_mismatch', htuIs(`${PUBLIC_URL}/elsewhere`, '')],
  [{ url: `${PUBLIC_URL}.evil.example/` }, 'proof_target_mismatch', htuIs(`${PUBLIC_URL}.evil.example/`)],
  [{ url: 'http://api.example.com/' }, 'proof_target_mismatch', htuIs('http://api.example.com/')],
  [{ claims: { htu: 'rubbish' } }, 'proof_target_mismatch', 'its htu is no http: or https: URI'],
  [{ header: { jwk: { kty: 'EC', crv: 'P-256', x: 'AA' } } }, 'proof_key_unusable', ODD_COORDINATE],
  [{ header: { jwk: { kty: 'RSA', n: modulus(1026), e: 'AQAB' } } }, 'proof_key_unusable', ODD_NUMBER],
  [{ header: { jwk: { kty: 'RSA', n: modulus(1025), e: 'AQAB' } } }, 'proof_key_unusable', ODD_MODULUS],
  [{ header: { jwk: { kty: 'RSA', n: modulus(255), e: 'AQAB' } } }, 'proof_key_unusable', ODD_MODULUS],
  [{ header: { jwk: { kty: 'RSA', n: modulus(256), e: 'AQ' } } }, 'proof_key_unusable', ODD_EXPONENT],
  [{ header: { jwk: { kty: 'RSA', n: modulus(256), e: 'AQAAAAE' } } }, 'proof_key_unusable', ODD_EXPONENT],
  [{ fault: 'other-token' }, 'proof_token_mismatch'],
  [{ issuedAt: NOW - 71 }, 'proof_expired', 'it was made 71 s ago'],
  [{ issuedAt: NOW + 11 }, 'proof_issued_in_future', 'its iat is 11 s ahead'],
  [{ fault: 'foreign-key' }, 'proof_signature_invalid'],
];

describe.each(PLATFORMS)('the log gives the exact reason for refusing a proof on %s', (platform) => {
  const start = async (dpop: Partial<DpopOptions> = {}) => {
    const logger = new RecordingLogger();
    const api = await startDpopApi(world, platform, [RootController], { dpop, logger });
    vi.useFakeTimers({ toFake: ['Date'], now: NOW * 1000 });
    const token = await api.as.accessToken({ dpop: client });
    const reasonOf = async (proofs: readonly string[], authorization = `DPoP ${token}`) => {
      logger.lines.length = 0;
      const request = clientOf(api.app, world).get('/').set('Authorization', authorization);
      const { status } = await (proofs.length === 0 ? request : request.set('DPoP', proofs as never));
      const { detail, ...logged } = loggedRefusal(logger.ours.at(-1));
      return { status, ...logged, ...(detail === undefined ? {} : { detail }) };
    };
    const proof = async (options: Partial<TestDpopProofOptions> = {}, signer = client): Promise<string> =>
      signer.proof({ url: PUBLIC_URL, token, issuedAt: NOW, ...options });
    return { ...api, token, reasonOf, proof };
  };

  test('RFC9449-1: the log tells what is wrong with the form, the claims, the time or the signature of a proof', async () => {
    const { reasonOf, proof } = await start();
    for (const [options, reason, detail] of rows) {
      expect(await reasonOf([await proof(options)])).toEqual({
        status: 401,
        level: 'debug',
        reason,
        ...(detail === undefined ? {} : { detail }),
      });
    }
    expect((await reasonOf([await proof({ claims: { jti: JTI } })])).status).toBe(200);
    expect((await reasonOf([await proof({ issuedAt: NOW - 70 })])).status).toBe(200);
    expect((await reasonOf([await proof({ issuedAt: NOW + 10 })])).status).toBe(200);
  });

  test('RFC9449-1: the log tells what is wrong with the headers of a proof', async () => {
    const { reasonOf, proof } = await start();
    expect(await reasonOf([])).toMatchObject({ reason: 'proof_missing', detail: 'no DPoP header' });
    const two = [await proof(), await proof()];
    expect(await reasonOf(two)).toMatchObject({
      reason: 'proof_repeated',
      detail: 'more than one DPoP header',
    });
    const noJwt = { reason: 'proof_malformed', detail: 'the proof: it is no JWT' };
    expect(await reasonOf([two.join(', ')])).toMatchObject(noJwt);
    expect(await reasonOf(['rubbish'])).toMatchObject(noJwt);
    expect(await reasonOf([`${two[0]?.split('.', 2).join('.')}.*`])).toMatchObject(noJwt);
    const crit = Buffer.from(JSON.stringify({ typ: 'dpop+jwt', alg: 'ES256', jwk: client.jwk, crit: ['x'] }));
    expect(
      await reasonOf([`${crit.toString('base64url')}.${two[0]?.split('.').slice(1).join('.')}`]),
    ).toMatchObject({
      reason: 'proof_malformed',
      detail: 'the proof: it has a crit header, of which nothing is supported',
    });
  });

  test('RFC9449-3, -4: the log tells what is wrong with the key or the scheme', async () => {
    const { as, token, reasonOf, proof } = await start();
    expect(await reasonOf([await proof({}, other)])).toEqual({
      status: 401,
      level: 'debug',
      reason: 'proof_key_mismatch',
      detail: `the token is bound to ${client.thumbprint}, the proof is by ${other.thumbprint}`,
    });
    expect(await reasonOf([await proof()], `Bearer ${token}`)).toMatchObject({
      reason: 'scheme_mismatch',
      detail: 'such a token is to be sent as DPoP, not Bearer',
    });
    const unbound = await as.accessToken();
    expect(await reasonOf([await proof({ token: unbound })], `DPoP ${unbound}`)).toMatchObject({
      reason: 'scheme_mismatch',
      detail: 'such a token is to be sent as Bearer, not DPoP',
    });
    const malformed = await as.accessToken({ claims: { cnf: { jkt: 'short' } } });
    expect(await reasonOf([await proof({ token: malformed })], `DPoP ${malformed}`)).toMatchObject({
      reason: 'confirmation_malformed',
      detail: 'cnf["jkt"] is not 43 characters of unpadded base64url',
    });
    const keyless = await as.accessToken({ claims: { token_type: 'DPoP' } });
    expect(await reasonOf([], `Bearer ${keyless}`)).toMatchObject({
      reason: 'confirmation_missing',
      detail: 'its token_type is DPoP, but it has no cnf',
    });
    expect(await reasonOf([await proof()], `Basic ${token}`)).toMatchObject({
      reason: 'credentials_missing',
      detail: 'the Authorization header is not of the Bearer or DPoP scheme',
    });
    expect(await reasonOf([await proof()], `DPoP ${token} ${token}`)).toMatchObject({
      status: 400,
      reason: 'credentials_malformed',
      detail: 'the Authorization header is not "DPoP" and one token',
    });
  });

  test('RFC9449-8: the log tells of a replay, and of a failing replay store', async () => {
    let answer: () => Promise<boolean> = async () => false;
    const replayStore: ReplayStore = { addIfAbsent: async () => answer() };
    const { reasonOf, proof } = await start({ replayStore });
    expect(await reasonOf([await proof()])).toEqual({
      status: 401,
      level: 'debug',
      reason: 'proof_replayed',
    });
    answer = async () => Promise.reject(new Error('it is down'));
    expect(await reasonOf([await proof()])).toEqual({
      status: 503,
      level: 'warn',
      reason: 'replay_store_unavailable',
      detail: 'it is down',
    });
    answer = async () => Promise.reject(new TooManyProofsError('100 proofs in a minute'));
    expect(await reasonOf([await proof()])).toEqual({
      status: 429,
      level: 'warn',
      reason: 'proofs_too_many',
      detail: '100 proofs in a minute',
    });
  });

  test('RFC9449-6: the log tells what is wrong with the nonce', async () => {
    const { reasonOf, proof } = await start({ nonce: 'required', nonceSecret: randomBytes(32) });
    expect(await reasonOf([await proof()])).toMatchObject({ status: 401, reason: 'proof_nonce_missing' });
    expect(await reasonOf([await proof({ nonce: 'x' })])).toMatchObject({
      status: 401,
      reason: 'proof_nonce_unknown',
    });
  });

  test('INV6: the log never holds the proof or the token', async () => {
    const logger = new RecordingLogger();
    const { as, app } = await startDpopApi(world, platform, [RootController], { logger });
    const token = await as.accessToken({ dpop: client });
    const headers = await client.headers({ url: PUBLIC_URL, token, fault: 'stale' });
    await clientOf(app, world)
      .get('/')
      .set({ ...headers })
      .expect(401);
    const log = logger.lines.map(({ text }) => text).join('\n');
    expect(log).toContain('reason=proof_expired');
    for (const part of [...token.split('.'), ...headers.DPoP.split('.')]) expect(log).not.toContain(part);
  });
});
