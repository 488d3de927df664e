import type { AuthorizationServerOptions, IntrospectionOptions } from 'nestjs-cert-bound-auth';
import type { TestAuthorizationServer, TestJwtOptions } from 'nestjs-cert-bound-auth/testing';
import { describe, expect, test } from 'vitest';
import { loggedRefusal } from '../support/logged-refusal.js';
import { PLATFORMS } from '../support/platforms.js';
import { startProtectedApi } from '../support/protected-api.js';
import type { LogLine } from '../support/recording-logger.js';
import { TokenController } from '../support/token-controller.js';
import { API_CLIENT, createWorld } from '../support/world.js';

const world = await createWorld();

type Reason = readonly [reason: string, detail?: string];

/** What was sent, or answered, and the exact reason in the log: operations count and search by it. */
describe.each(PLATFORMS)('the log tells exactly why a token was refused on %s', (platform) => {
  interface Api {
    readonly as: TestAuthorizationServer;
    readonly expectReason: (token: string, reason: Reason, level?: LogLine['level']) => Promise<void>;
  }

  const start = async (server: Omit<AuthorizationServerOptions, 'issuer'> = {}): Promise<Api> => {
    const { as, logger, call } = await startProtectedApi(world, platform, [TokenController], { server });
    const expectReason: Api['expectReason'] = async (token, [reason, detail], level = 'debug') => {
      logger.lines.length = 0;
      await call(token);
      expect(logger.ours.map(loggedRefusal)).toEqual([{ level, reason, detail }]);
    };
    return { as, expectReason };
  };

  test('the log tells exactly what is wrong with the header, the signature or the claims of a JWT', async () => {
    const { as, expectReason } = await start({
      jwt: { typ: ['at+jwt', 'JWT'], forbiddenClaims: ['act'] },
    });
    const mint = async (options: TestJwtOptions, reason: Reason): Promise<void> =>
      expectReason(await as.accessToken({ certificate: world.client1, ...options }), reason);
    await mint({ header: { typ: 'other' } }, [
      'token_type_mismatch',
      'typ is "other", expected "at+jwt" or "jwt"',
    ]);
    await mint({ header: { typ: 7 } }, ['token_malformed', 'typ is not a string']);
    await mint({ header: { b64: true } }, ['critical_header_unsupported', 'b64 in the header']);
    await mint({ header: { typ: 'JWT' }, claims: { nonce: 'n' } }, [
      'token_is_id_token',
      'it has nonce, and does not say that it is an access token',
    ]);
    await mint({ claims: { act: {} } }, ['claim_forbidden', 'act']);
    await mint({ claims: { exp: 1 } }, ['token_expired', expect.stringMatching(/^exp was 1, now is \d+/)]);
    const unknown = await as.accessToken({ header: { kid: 'unknown' } });
    await expectReason(unknown, ['key_unknown']);
    await expectReason(unknown, ['key_unknown']);
    await expectReason('x', ['token_opaque', 'no server has introspection']);
    await expectReason('e30.a.b.c.d', ['token_encrypted']);
    await expectReason('e30.a.A', [
      'token_malformed',
      'its payload is no JSON object, or its signature no base64url',
    ]);
  });

  test('the log tells of an outage of keys and metadata, which refuses nobody', async () => {
    const { as, expectReason } = await start();
    const token = await as.accessToken({ certificate: world.client1 });
    const invalid = 'authorization_server_answer_invalid';
    const [oauth, openid] = ['oauth-authorization-server', 'openid-configuration'].map(
      (name) => `GET ${as.issuer}/.well-known/${name}: status 404, no JSON object`,
    );
    as.behave('metadata', { status: 404 });
    await expectReason(token, [invalid, `${oauth}; ${openid}`], 'error');
    as.behave('metadata', 'normal');
    as.behave('jwks', { status: 200, body: '{}' });
    await expectReason(token, [invalid, `GET ${as.jwksUri}: status 200, no JWK Set`], 'error');
  });

  test('the log tells that a server was gone before its keys were known', async () => {
    const { as, expectReason } = await start();
    const token = await as.accessToken({ certificate: world.client1 });
    as.behave('jwks', 'reset');
    await expectReason(
      token,
      ['authorization_server_unreachable', expect.stringContaining(`GET ${as.jwksUri}: `)],
      'warn',
    );
    await as.stop();
    await expectReason(
      token,
      [
        'authorization_server_unreachable',
        expect.stringContaining(`GET ${as.jwksUri}: Error: connect ECONNREFUSED`),
      ],
      'warn',
    );
  });

  test('the log tells what the introspection endpoint says about the token and about us', async () => {
    const { as, expectReason } = await start({ introspection: { clientAuthentication: API_CLIENT } });
    const token = as.opaqueToken({ certificate: world.client1 });
    const answers = async (status: number, body: string, reason: Reason, level: LogLine['level']) => {
      as.behave('introspection', { status, body });
      await expectReason(token, reason, level);
    };
    const of = (status: string): string => `POST ${as.introspectionEndpoint}: ${status}`;
    const refused = 'introspection_refused';
    const inactive: Reason = ['token_inactive', 'active is not a boolean'];
    await answers(200, '{"active":"true"}', inactive, 'debug');
    await answers(
      400,
      '{"error":"unsupported_token_type"}',
      [refused, 'the introspection endpoint answered 400 "unsupported_token_type"'],
      'debug',
    );
    await answers(
      400,
      '{"error":"invalid_request"}',
      [refused, 'the introspection endpoint answered 400 "invalid_request"'],
      'warn',
    );
    await answers(
      401,
      '{"error":"invalid_client"}',
      ['authorization_server_refused_client', of('status 401 "invalid_client"')],
      'error',
    );
    await answers(200, '{}', ['authorization_server_answer_invalid', of('no object with "active"')], 'error');
    await answers(
      500,
      '',
      ['authorization_server_unreachable', of('status 500 without an error code')],
      'warn',
    );
  });

  test('the log tells why the answer about an opaque token is not enough', async () => {
    const { as, expectReason } = await start({ introspection: { clientAuthentication: API_CLIENT } });
    const issue = async (claims: Readonly<Record<string, unknown>>, reason: Reason): Promise<void> =>
      expectReason(as.opaqueToken({ certificate: world.client1, claims }), reason);
    await issue({ exp: undefined }, ['claim_missing', 'exp']);
    await issue({ aud: undefined }, ['claim_missing', 'aud']);
    await issue({ iss: 'other' }, ['issuer_mismatch', `iss is "other", expected "${as.issuer}"`]);
    await issue({ token_use: 'id' }, ['token_type_mismatch', "the token's token_use is id"]);
  });

  test('the log tells what is wrong with an answer that should be signed', async () => {
    const introspection: IntrospectionOptions = { clientAuthentication: API_CLIENT, responseFormat: 'jwt' };
    const { as, expectReason } = await start({ introspection });
    const invalid = 'authorization_server_answer_invalid';
    await expectReason(
      as.opaqueToken(),
      [invalid, `POST ${as.introspectionEndpoint}: the answer is not signed`],
      'error',
    );
    as.behave('introspection', {
      status: 200,
      headers: { 'content-type': 'application/token-introspection+jwt' },
      body: await as.accessToken(),
    });
    const untyped = 'signed introspection answer: its typ is not token-introspection+jwt';
    await expectReason('opaque', [invalid, untyped], 'error');
    as.behave('introspection', {
      status: 200,
      headers: { 'content-type': 'application/token-introspection+jwt' },
      body: await as.accessToken({ header: { typ: 'token-introspection+jwt' }, audience: 'api' }),
    });
    const empty = 'signed introspection answer: it has no token_introspection';
    await expectReason('opaque', [invalid, empty], 'error');
  });

  test('the log tells that a server contradicts a JWT, and that introspection in this process fails', async () => {
    const all = await start({ introspection: { clientAuthentication: API_CLIENT, tokens: 'all' } });
    const token = await all.as.accessToken({ certificate: world.client1 });
    all.as.answerIntrospection(token, {
      active: true,
      aud: 'https://api.example.com',
      exp: Date.now() / 1000 + 60,
    });
    await all.expectReason(token, ['introspection_conflict', "cnf differs from the token's own"]);
    const introspect = async (): Promise<never> => {
      throw new RangeError('with a secret');
    };
    const local = await start({ introspection: { introspect } });
    await local.expectReason(
      'opaque',
      ['authorization_server_unreachable', 'introspect threw RangeError'],
      'warn',
    );
  });
});
