import { Controller, Get } from '@nestjs/common';
import { type AccessDecision, DecisionListener } from 'nestjs-cert-bound-auth';
import { beforeAll, describe, expect, test } from 'vitest';
import { startIntrospectionEndpoint } from '../support/introspection-endpoint.js';
import { PLATFORMS } from '../support/platforms.js';
import { RecordingLogger } from '../support/recording-logger.js';
import { clientOf, createWorld, startApi, type World } from '../support/world.js';

@Controller()
class Routes {
  @Get() get(): string {
    return 'ok';
  }
}

let world: World;
beforeAll(async () => {
  world = await createWorld();
});

const ISSUER = 'https://as.example.com';
const TOKEN = 'Q7sT2vXzB4nM6kL9pR3wY8dF1gH5jC0a';

describe.each(PLATFORMS)('the log on %s', (platform) => {
  /** Calls the API with these tokens. @returns what was logged and decided */
  async function refuse(
    status: number,
    say: (token: string) => object,
    tokens: readonly string[],
  ): Promise<{ readonly log: RecordingLogger; readonly decisions: readonly AccessDecision[] }> {
    const endpoint = await startIntrospectionEndpoint(world, (token, response) => {
      response.writeHead(status).end(JSON.stringify(say(token)));
    });
    const log = new RecordingLogger();
    const decisions: AccessDecision[] = [];
    const clientAuthentication = { method: 'client_secret_basic', clientId: 'a', clientSecret: 's' } as const;
    const app = await startApi(world, platform, { issuer: ISSUER }, [Routes], {
      options: {
        authorizationServers: [
          {
            issuer: ISSUER,
            jwt: false,
            tls: { ca: world.ca.cert },
            introspection: { clientAuthentication, endpoint },
          },
        ],
      },
      providers: [
        {
          provide: DecisionListener,
          useValue: { onDecision: (decision: AccessDecision) => void decisions.push(decision) },
        },
      ],
      logger: log,
    });
    for (const token of tokens) {
      const { status: answered } = await clientOf(app, world, world.client1, token).get('/');
      expect(answered).toBeGreaterThanOrEqual(401);
    }
    return { log, decisions };
  }

  test('invariant 14: the log has ten lines of one reason within a minute, and listeners are told of every refusal', async () => {
    const tokens = Array.from({ length: 25 }, (_, index) => `token-${index}`);
    const { log, decisions } = await refuse(400, () => ({ error: 'invalid_request' }), tokens);
    expect(log.ours.filter(({ text: line }) => line.includes('introspection_refused'))).toHaveLength(10);
    expect(decisions).toHaveLength(25);
  });

  test.each<readonly [string, number, (token: string) => object]>([
    ['as the error code of a 400', 400, (token) => ({ error: token })],
    ['within the error code of a 400', 400, (token) => ({ error: `unknown: ${token}` })],
    ['as the error code of a 401', 401, (token) => ({ error: token })],
    ['as the error code of a 503', 503, (token) => ({ error: token, error_description: token })],
    ['as aud', 200, (token) => ({ active: true, exp: 2e9, aud: token })],
    [
      'among many aud values',
      200,
      (token) => ({ active: true, exp: 2e9, aud: ['a', `${token}${'x'.repeat(500)}`] }),
    ],
    ['as what it is', 200, (token) => ({ active: true, exp: 2e9, aud: 'a', token_type: token })],
  ])('invariant 6: holds no token that a server echoes %s, and neither do events', async (_, status, say) => {
    const { log, decisions } = await refuse(status, say, [TOKEN]);
    expect(decisions).toHaveLength(1);
    expect(log.ours.length).toBeGreaterThan(0);
    const told = JSON.stringify([log.lines, decisions]);
    for (let start = 0; start + 12 <= TOKEN.length; start++) {
      expect(told).not.toContain(TOKEN.slice(start, start + 12));
    }
  });

  test('invariant 14: holds no more of the aud values of a server than tells what they are', async () => {
    const aud = Array.from(
      { length: 500 },
      (_, index) => `https://${index}.${'long.'.repeat(100)}example.com`,
    );
    const { decisions } = await refuse(200, () => ({ active: true, exp: 2e9, aud }), [TOKEN]);
    expect(decisions[0]).toMatchObject({ reason: 'audience_mismatch' });
    expect(JSON.stringify(decisions).length).toBeLessThan(1_500);
    expect(JSON.stringify(decisions)).toContain('and 495 more');
  });
});
