import { CertBoundAuthModule } from 'nestjs-cert-bound-auth';
import { beforeEach, describe, expect, test } from 'vitest';
import {
  grpcClient,
  type GrpcClient,
  type Method,
  type Outcome,
  SHAPES,
  startGrpc,
} from '../../support/grpc.js';
import { RecordingLogger } from '../../support/recording-logger.js';
import { createWorld, startAuthorizationServer } from '../../support/world.js';
import { BankController, ran } from './bank.controller.js';

const world = await createWorld();

beforeEach(() => {
  ran.length = 0;
});

const METHODS: readonly Method[] = ['Pay', 'Watch', 'Collect', 'Talk', 'CollectRaw', 'TalkRaw'];

interface Row {
  readonly who: string;
  readonly code: number;
  readonly reason: string;
  readonly challenge: string | undefined;
  readonly call: (clients: Clients, method: Method) => Promise<Outcome>;
}

interface Clients {
  readonly honest: GrpcClient;
  readonly thief: GrpcClient;
  readonly tokens: Readonly<Record<'good' | 'expired' | 'narrow', string>>;
}

const bearer = (token: string): Readonly<Record<string, string>> => ({ authorization: `Bearer ${token}` });

const INVALID =
  'Bearer error="invalid_token", error_description="The access token is not valid, or not bound to a key that the ' +
  'caller has proved"';

const REFUSED: readonly Row[] = [
  {
    who: 'nobody, for there is no token',
    code: 16,
    reason: 'credentials_missing',
    challenge: 'Bearer',
    call: async ({ honest }, method) => honest.call(method),
  },
  {
    who: 'a thief, who has another certificate',
    code: 16,
    reason: 'certificate_mismatch',
    challenge: INVALID,
    call: async ({ thief, tokens }, method) => thief.call(method, bearer(tokens.good)),
  },
  {
    who: 'whoever comes with an expired token',
    code: 16,
    reason: 'token_expired',
    challenge: INVALID,
    call: async ({ honest, tokens }, method) => honest.call(method, bearer(tokens.expired)),
  },
  {
    who: 'whoever lacks the scope',
    code: 7,
    reason: 'scope_missing',
    challenge:
      'Bearer error="insufficient_scope", error_description="The access token does not have the scope that this ' +
      'resource needs", scope="payments"',
    call: async ({ honest, tokens }, method) => honest.call(method, bearer(tokens.narrow)),
  },
];

describe.each(SHAPES)('RFC8705-3: an app of gRPC of the shape %s protects its calls', (shape) => {
  test('GRPC-1, GRPC-3, GRPC-4, GRPC-6: each method answers the holder of the certificate, and nobody else, as its challenge says', async () => {
    const as = await startAuthorizationServer(world);
    const logger = new RecordingLogger();
    const port = await startGrpc(world, {
      shape,
      imports: [CertBoundAuthModule.forRoot(as.moduleOptions)],
      controllers: [BankController],
      logger,
    });
    const certificate = world.client1;
    const clients: Clients = {
      honest: grpcClient(world, port, certificate),
      thief: grpcClient(world, port, world.client2),
      tokens: {
        good: await as.accessToken({ certificate, scope: 'payments' }),
        expired: await as.accessToken({ certificate, scope: 'payments', lifetime: -60 }),
        narrow: await as.accessToken({ certificate, scope: 'other' }),
      },
    };
    for (const method of METHODS) {
      for (const { who, code, reason, challenge, call } of REFUSED) {
        const outcome = await call(clients, method);
        expect(outcome, `${method}: ${who}`).toMatchObject({ code, messages: [], challenge });
        expect(Object.keys(outcome.trailers).filter((name) => !IN_EVERY_ANSWER.has(name))).toEqual([
          'www-authenticate',
        ]);
        expect(logger.ours.at(-1)?.text).toMatch(
          new RegExp(`reason=${reason} .*route=bank.v1.Payments/${method}`),
        );
      }
    }
    expect(ran).toEqual([]);

    for (const method of METHODS) {
      const { code, messages } = await clients.honest.call(method, bearer(clients.tokens.good));
      expect(code, method).toBe(0);
      expect(messages.length, method).toBeGreaterThan(0);
    }
    expect(ran).toEqual(METHODS);
    expect((await clients.honest.call('Pay', bearer(clients.tokens.good))).messages).toEqual([
      'user-1 CN=client1',
    ]);
    expect(await clients.thief.call('Open', bearer(clients.tokens.good))).toMatchObject({
      code: 0,
      messages: ['nobody'],
    });
    // In the definition of the service, but no handler of Nest: nobody learns that without a token.
    expect(await clients.honest.call('Nobody')).toMatchObject({ code: 16 });
    expect(await clients.honest.call('Nobody', bearer(clients.tokens.narrow))).toMatchObject({ code: 12 });
  });

  test('GRPC-3: each method is unavailable while the authorization server is, and says when to come again', async () => {
    const as = await startAuthorizationServer(world);
    const port = await startGrpc(world, {
      shape,
      imports: [CertBoundAuthModule.forRoot(as.moduleOptions)],
      controllers: [BankController],
    });
    const token = await as.accessToken({ certificate: world.client1, scope: 'payments' });
    await as.stop();
    const client = grpcClient(world, port, world.client1);
    for (const method of METHODS) {
      const outcome = await client.call(method, bearer(token));
      expect(outcome, method).toMatchObject({ code: 14, messages: [], challenge: undefined });
      expect(outcome.trailers).toHaveProperty('retry-after');
    }
    expect(ran).toEqual([]);
  });
});

/** What grpc-js and HTTP/2 send by themselves. */
const IN_EVERY_ANSWER: ReadonlySet<string> = new Set(['content-type', 'date']);
