import { Controller, Get, Inject, Module } from '@nestjs/common';
import {
  HealthCheck,
  type HealthCheckResult,
  HealthCheckService,
  type HealthIndicatorFunction,
  TerminusModule,
} from '@nestjs/terminus';
import supertest from 'supertest';
import { describe, expect, test } from 'vitest';
import type { Expiring } from '../../lib/common/expiry-watch.js';
import type { AuthorizationServerHealth } from '../../lib/events/authorization-server-health.js';
import type { RevocationSourceHealth } from '../../lib/events/revocation-source-health.js';
import { CertBoundAuthHealthIndicator } from '../../lib/nest/health-indicator.js';
import {
  AppAuthenticator,
  type PolicyCertificateSources,
} from '../../lib/nest/exchange/app-authenticator.js';
import { AuthorizationServers } from '../../lib/nest/authorization-servers.js';
import { APP_REVOCATIONS } from '../../lib/nest/token-revocations.js';
import { RevocationList, type RevocationsHealth } from '../../lib/revocation/revocation-list.js';
import { PLATFORMS, startApp } from '../support/platforms.js';
import { whenOver } from '../support/world.js';

const ISSUER = 'https://as.example.com';
const FRESH: AuthorizationServerHealth = {
  issuer: ISSUER,
  keys: { state: 'fresh', age: 7, lastFailure: undefined },
  introspection: 'closed',
  statusLists: 'none',
};

const NONE = { certificateSources: () => [], expiring: () => [] };

function having(...servers: readonly Partial<AuthorizationServerHealth>[]): CertBoundAuthHealthIndicator {
  const health = (): readonly AuthorizationServerHealth[] =>
    servers.map((server) => ({ ...FRESH, ...server }));
  return new CertBoundAuthHealthIndicator({ health } as AuthorizationServers, { list: undefined }, NONE);
}

const lastFailure = `GET ${ISSUER}/jwks: status 500`;
type Row = readonly [
  what: string,
  health: Partial<AuthorizationServerHealth>,
  status: 'up' | 'down',
  warning: string | undefined,
];

/** What a server is like, and what is said of it. */
const ROWS: readonly Row[] = [
  ['keys that serve', {}, 'up', undefined],
  ['status lists that serve', { statusLists: 'fresh' }, 'up', undefined],
  [
    'a status list that is old',
    { statusLists: 'stale' },
    'up',
    `a status list of ${ISSUER} cannot be fetched`,
  ],
  [
    'a status list that may not serve',
    { statusLists: 'unavailable' },
    'up',
    `a status list of ${ISSUER} cannot be fetched`,
  ],
  [
    'keys that serve, though the last attempt failed',
    { keys: { state: 'fresh', age: 301, lastFailure } },
    'up',
    undefined,
  ],
  ['fixed keys', { keys: { state: 'fixed' }, introspection: 'none' }, 'up', undefined],
  [
    'keys that nobody has needed yet',
    { keys: { state: 'not-fetched', age: undefined, lastFailure: undefined } },
    'up',
    undefined,
  ],
  [
    'keys that serve beyond their time',
    { keys: { state: 'stale', age: 700, lastFailure } },
    'up',
    `the keys of ${ISSUER} are old, and cannot be fetched`,
  ],
  ['no keys', { keys: { state: 'unavailable', age: 9000, lastFailure } }, 'down', undefined],
  ['introspection that is not asked', { introspection: 'open' }, 'down', undefined],
  [
    'introspection that is tried again',
    { introspection: 'half-open' },
    'up',
    `introspection by ${ISSUER} has failed, and is tried again`,
  ],
];

describe('the health of the authorization servers', () => {
  test.each(ROWS)('the indicator gives the right health for %s', (_, health, status, warning) => {
    const { issuer, ...server } = { ...FRESH, ...health };
    expect(having(health).isHealthy()).toEqual({
      'authorization-servers': {
        status,
        ...(warning === undefined ? {} : { warning }),
        servers: { [issuer]: server },
      },
    });
  });

  test('the indicator is down when one of several servers is, and says how each of them is', () => {
    const stale = { state: 'stale', age: 700, lastFailure } as const;
    const { tokens } = having(
      { keys: stale },
      { issuer: 'b', introspection: 'half-open' },
      { issuer: 'c', introspection: 'open' },
    ).isHealthy('tokens');
    expect(tokens.status).toBe('down');
    expect(tokens.warning).toBe(
      `the keys of ${ISSUER} are old, and cannot be fetched; introspection by b has failed, and is tried again`,
    );
    expect(Object.keys(tokens.servers)).toEqual([ISSUER, 'b', 'c']);
  });

  test.each([
    ['nothing where they are in this process', undefined, 'up', undefined],
    ['that they are current', { state: 'current', problem: undefined }, 'up', undefined],
    [
      'that they may be old',
      { state: 'stale', problem: 'down' },
      'up',
      'what has been revoked lately may not be known, for the store does not answer',
    ],
    ['that they are not known', { state: 'unavailable', problem: 'down' }, 'down', undefined],
  ] as const)('the indicator says of revocations %s', (_, revocations, status, warning) => {
    const settings = { maxEntries: 1, maxTokenLifetime: 1, clockTolerance: 0, store: undefined };
    const list = new RevocationList(settings);
    list.health = (): RevocationsHealth | undefined => revocations;
    const servers = { health: (): readonly AuthorizationServerHealth[] => [FRESH] } as AuthorizationServers;
    const { tokens } = new CertBoundAuthHealthIndicator(servers, { list }, NONE).isHealthy('tokens');
    expect([tokens.status, tokens.warning, tokens.revocations]).toEqual([status, warning, revocations]);
  });
});

const SOURCE: RevocationSourceHealth = {
  source: '/etc/ca.crl',
  kind: 'crl-file',
  state: 'fresh',
  age: 7,
  thisUpdate: 1,
  nextUpdate: 2,
  failures: 0,
  lastFailure: undefined,
};
const STALE: RevocationSourceHealth = { ...SOURCE, source: '/etc/old.crl', state: 'stale' };
const GONE: RevocationSourceHealth = { ...SOURCE, source: 'http://ocsp.example', state: 'unavailable' };

function checkingBy(
  mode: 'strict' | 'best-effort',
  sources: readonly RevocationSourceHealth[],
  expiring: readonly Expiring[] = [],
  policy?: string,
) {
  const servers = { health: (): readonly AuthorizationServerHealth[] => [FRESH] } as AuthorizationServers;
  const checked: readonly PolicyCertificateSources[] = [{ policy, mode, sources }];
  const certificates = { certificateSources: () => checked, expiring: () => expiring };
  return new CertBoundAuthHealthIndicator(servers, { list: undefined }, certificates).isHealthy('tokens')
    .tokens;
}

describe('what the health indicator says of the sources of revoked certificates', () => {
  const old = 'what /etc/old.crl says of revoked certificates is out of date';
  const gone = 'http://ocsp.example does not say which certificates are revoked';
  test.each([
    ['strict', 'that all serve', [SOURCE], 'up', undefined],
    ['strict', 'that none is known yet', [], 'up', undefined],
    ['strict', 'that one of them is old', [SOURCE, STALE], 'up', old],
    ['strict', 'that none of them serves', [STALE, GONE], 'down', `${old}; ${gone}`],
    ['best-effort', 'that none of them serves', [STALE, GONE], 'up', `${old}; ${gone}`],
    [
      'strict',
      'that one serves still',
      [{ ...SOURCE, failures: 2 }],
      'up',
      '/etc/ca.crl serves, but could not be read again',
    ],
  ] as const)(
    'the indicator, in the mode %s, says of the sources %s',
    (mode, _, sources, status, warning) => {
      const tokens = checkingBy(mode, sources);
      expect([tokens.status, tokens.warning, tokens.certificateRevocations]).toEqual([
        status,
        warning,
        sources,
      ]);
    },
  );

  test('a source of a policy is told with the name of the policy', () => {
    expect(checkingBy('strict', [SOURCE], [], 'partners').certificateRevocations).toEqual([
      { ...SOURCE, policy: 'partners' },
    ]);
  });

  test('what expires soon is a warning, once, although several policies check by it', () => {
    const until = Date.now() + 1_800_000;
    const ca: Expiring = { what: 'the CA of client certificates "CN=ca"', until, notice: 7_200_000 };
    const later: Expiring = { ...ca, what: 'another', notice: 0 };
    const tokens = checkingBy('strict', [SOURCE], [ca, ca, later]);
    expect(tokens.status).toBe('up');
    expect(tokens.warning).toMatch(
      /^the CA of client certificates "CN=ca" expires in \d+ minutes, on [^;]*$/,
    );
  });
});

describe.each(PLATFORMS)('the health indicator with Terminus on %s', (platform) => {
  test.each(ROWS)('the health check gives the right status for %s', async (_, health, status) => {
    const servers = { health: () => [{ ...FRESH, ...health }] };

    @Controller('health')
    class HealthController {
      constructor(
        @Inject(HealthCheckService) private readonly checks: HealthCheckService,
        private readonly indicator: CertBoundAuthHealthIndicator,
      ) {}
      @Get() @HealthCheck() async check(): Promise<HealthCheckResult> {
        // Its type is what Terminus asks for.
        const indicator: HealthIndicatorFunction = () => this.indicator.isHealthy();
        return this.checks.check([indicator]);
      }
    }
    @Module({
      imports: [TerminusModule.forRoot({ logger: false })],
      controllers: [HealthController],
      providers: [
        CertBoundAuthHealthIndicator,
        { provide: AuthorizationServers, useValue: servers },
        { provide: APP_REVOCATIONS, useValue: { list: undefined } },
        { provide: AppAuthenticator, useValue: NONE },
      ],
    })
    class App {}
    const app = await startApp(platform, App);
    whenOver(async () => app.close());
    const response = await supertest(app.getHttpServer() as never).get('/health');
    expect(response.status).toBe(status === 'up' ? 200 : 503);
    const { details } = response.body as { details: Record<string, { status: string; servers: object }> };
    expect(details['authorization-servers']).toMatchObject({ status, servers: { [ISSUER]: {} } });
  });
});
