import { Controller, Get, type INestApplication, Post } from '@nestjs/common';
import {
  selfSignedCertificate,
  type TestAuthorizationServer,
  type TestCertificate,
} from 'nestjs-cert-bound-auth/testing';
import type { Test } from 'supertest';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { loggedRefusal } from '../support/logged-refusal.js';
import { PLATFORMS } from '../support/platforms.js';
import { startProtectedApi } from '../support/protected-api.js';
import { API_CLIENT, clientOf, createWorld } from '../support/world.js';

@Controller()
class RoutesController {
  @Get() get(): string {
    return 'got';
  }
  @Post() post(): string {
    return 'posted';
  }
}

const world = await createWorld();
const foreign = await selfSignedCertificate('client1');
afterEach(() => {
  vi.useRealTimers();
});

type Reason = readonly [reason: string, detail?: string];

/** What a request looked like, and the exact reason that the log gives: operations count and search by it. */
describe.each(PLATFORMS)('the log gives the exact reason for a refusal on %s', (platform) => {
  const start = async (trust: 'ca' | 'any' = 'ca') => {
    const { as, app, logger } = await startProtectedApi(world, platform, [RoutesController], {
      server: { introspection: { clientAuthentication: API_CLIENT } },
      options: { clientCertificate: { from: 'tls', trust } },
    });
    const expectReason = async (request: Test, [reason, detail]: Reason): Promise<void> => {
      logger.lines.length = 0;
      await request;
      expect(loggedRefusal(logger.ours[0])).toMatchObject({ reason, detail });
    };
    return { as, app, expectReason };
  };

  const bearer = (app: INestApplication, token: string, certificate?: TestCertificate): Test =>
    clientOf(app, world, certificate, token).get('/');

  test('the log tells what is wrong with the credentials', async () => {
    const { app, expectReason } = await start();
    const client = clientOf(app, world, world.client1);
    const both: Reason = ['credentials_repeated', 'a token in the header and in the query'];
    await expectReason(client.get('/'), ['credentials_missing', 'no Authorization header']);
    await expectReason(client.get('/').auth('a', 'b'), [
      'credentials_missing',
      'the Authorization header is not of the Bearer scheme',
    ]);
    await expectReason(client.get('/?access_token=x'), [
      'credentials_missing',
      'access_token in the query is not accepted',
    ]);
    await expectReason(client.post('/').type('form').send({ access_token: 'x' }), [
      'credentials_missing',
      'access_token in a form body is not accepted',
    ]);
    await expectReason(client.post('/').send({ access_token: 'x' }), [
      'credentials_missing',
      'no Authorization header',
    ]);
    await expectReason(client.get('/').set('Authorization', 'Bearer a b'), [
      'credentials_malformed',
      'the Authorization header is not "Bearer" and one token',
    ]);
    await expectReason(client.get('/?access_token=x').set('Authorization', 'Bearer x'), both);
    await expectReason(
      client.post('/').type('form').send({ access_token: 'x' }).set('Authorization', 'Bearer x'),
      ['credentials_repeated', 'a token in the header and in the form body'],
    );
  });

  test('the log tells what is wrong with the confirmation', async () => {
    const { as, app, expectReason } = await start();
    const withCnf = async (cnf: unknown, reason: Reason): Promise<void> =>
      expectReason(bearer(app, await as.accessToken({ claims: { cnf } }), world.client1), reason);
    const nothing = 'cnf names no method that can be checked';
    const malformed = 'cnf["x5t#S256"] is not 43 characters of unpadded base64url';
    await withCnf(undefined, ['confirmation_missing', 'the token has no cnf: it is bound to nothing']);
    for (const cnf of [null, 'text', 7, [], ['x5t#S256']]) {
      await withCnf(cnf, ['confirmation_malformed', 'cnf is not an object']);
    }
    for (const cnf of [{}, { other: 1 }]) await withCnf(cnf, ['confirmation_unsupported', nothing]);
    for (const method of ['jwk', 'jwe', 'kid', 'jku', 'osc', 'jkt']) {
      const cnf = { 'x5t#S256': world.client1.thumbprint, [method]: 'x' };
      await withCnf(cnf, ['confirmation_unsupported', `cnf.${method} cannot be checked`]);
    }
    const hints: readonly (readonly [thumbprint: unknown, hint: string])[] = [
      ['x', ''],
      [null, ': it is null, not a string'],
      [7, ': it is a number, not a string'],
      [[world.client1.thumbprint], ': it is an array, not a string'],
      [`${world.client1.thumbprint}=`, ': it looks like a SHA-256 in base64, but padded with ='],
      [world.client1.der.toString('hex').slice(0, 64), ': it looks like a SHA-256 in hex'],
    ];
    for (const [thumbprint, hint] of hints) {
      await withCnf({ 'x5t#S256': thumbprint }, ['confirmation_malformed', `${malformed}${hint}`]);
    }
  });

  test('the log tells what is wrong with the certificate', async () => {
    const { as, app, expectReason } = await start();
    const tokenOf = async (certificate: TestCertificate): Promise<string> => as.accessToken({ certificate });
    const token = await tokenOf(world.client1);
    await expectReason(bearer(app, token), [
      'certificate_missing',
      'expected one in the TLS handshake, the client sent none',
    ]);
    await expectReason(bearer(app, token, world.client2), [
      'certificate_mismatch',
      `the token is bound to ${world.client1.thumbprint}, the client presented ${world.client2.thumbprint}`,
    ]);
    await expectReason(bearer(app, await tokenOf(foreign), foreign), [
      'certificate_untrusted',
      'DEPTH_ZERO_SELF_SIGNED_CERT',
    ]);
  });

  test.each(['ca', 'any'] as const)(
    'the log tells that the certificate is not valid at this moment (trust: %s)',
    async (trust) => {
      const { as, app, expectReason } = await start(trust);
      const [from, to] = [Date.now() - 60_000, Date.now() + 3_600_000].map(
        (at) => Math.floor(at / 1000) * 1000,
      );
      if (from === undefined || to === undefined) throw new Error('no dates');
      const certificate = await world.ca.issueClientCertificate('c', {
        notBefore: new Date(from),
        notAfter: new Date(to),
      });
      const tokenAt = async (time: number): Promise<string> => {
        vi.useFakeTimers({ toFake: ['Date'], now: time });
        return as.accessToken({ certificate });
      };
      for (const inside of [from, to]) {
        expect((await bearer(app, await tokenAt(inside), certificate)).status).toBe(200);
      }
      await expectReason(bearer(app, await tokenAt(from - 1), certificate), ['certificate_not_yet_valid']);
      await expectReason(bearer(app, await tokenAt(to + 1), certificate), ['certificate_expired']);
    },
  );

  test('the log tells what is wrong with the token', async () => {
    const { as, app, expectReason } = await start();
    const mint = async (
      options: Parameters<TestAuthorizationServer['accessToken']>[0],
      reason: Reason,
    ): Promise<void> =>
      expectReason(
        bearer(app, await as.accessToken({ certificate: world.client1, ...options }), world.client1),
        reason,
      );
    await mint({ fault: 'foreign-key' }, ['signature_invalid']);
    await mint({ fault: 'tampered' }, ['signature_invalid']);
    await mint({ fault: 'unsigned' }, ['algorithm_not_allowed', 'alg is "none"']);
    await mint({ header: { kid: 'unknown' } }, ['key_unknown']);
    await mint({ header: { typ: 'JWT' } }, ['token_type_mismatch', 'typ is "jwt", expected "at+jwt"']);
    await mint({ claims: { iss: 'https://other.example.com' } }, [
      'issuer_unknown',
      `iss is "https://other.example.com", configured is ["${as.issuer}"]`,
    ]);
    await mint({ claims: { jti: undefined } }, ['claim_missing', 'jti']);
    await mint({ claims: { jti: 7 } }, ['claim_malformed', 'jti is not a non-empty string']);
    await mint({ audience: 'other' }, [
      'audience_mismatch',
      'aud is ["other"], expected one of ["https://api.example.com"]',
    ]);
    const client = clientOf(app, world, world.client1, 'opaque');
    await expectReason(client.get('/'), ['token_inactive']);
  });
});
