import { context, trace } from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import { join } from 'node:path';
import type { Type } from '@nestjs/common';
import type { NextFunction, Request } from 'express';
import { AuthorizationServers, CertBoundAuthModule } from 'nestjs-cert-bound-auth';
import type { TestAuthorizationServer } from 'nestjs-cert-bound-auth/testing';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { extract } from '../docs/extract.js';
import { eventually } from '../support/eventually.js';
import { PLATFORMS, startApp } from '../support/platforms.js';
import { startProtectedApi } from '../support/protected-api.js';
import { recordTelemetry, type Telemetry } from '../support/telemetry.js';
import { TokenController } from '../support/token-controller.js';
import {
  clientOf,
  createWorld,
  startApi,
  startAuthorizationServer,
  tlsOf,
  whenOver,
} from '../support/world.js';

const samples = extract('docs/operations.md');
const sample = async <Sample>(name: string): Promise<Sample> => (await import(join(samples, name))) as Sample;

const world = await createWorld();

describe.each(PLATFORMS)('what OpenTelemetry records on %s', (platform) => {
  let telemetry: Telemetry;
  beforeEach(() => {
    telemetry = recordTelemetry();
  });
  afterEach(async () => telemetry.end());

  test('OpenTelemetry records each request once, and the calls to the authorization server', async () => {
    const { as, app } = await startProtectedApi(world, platform, [TokenController]);
    const token = await as.accessToken({ certificate: world.client1 });
    await clientOf(app, world, world.client1, token).get('/').expect(200);
    await clientOf(app, world, world.client1, token).get('/').expect(200);
    await clientOf(app, world, world.client2, token).get('/').expect(401);

    const { points: counted } = await telemetry.points('cert_bound_auth.decisions');
    expect(counted.map(([attributes, value]) => [attributes['cert_bound_auth.outcome'], value])).toEqual([
      ['accepted', 1],
      ['accepted', 1],
      ['refused', 1],
    ]);
    expect(counted.map(([attributes]) => attributes['cert_bound_auth.cache_hit'])).toEqual([
      false,
      true,
      true,
    ]);
    expect(counted.at(-1)?.[0]).toMatchObject({ 'cert_bound_auth.reason': 'certificate_mismatch' });

    const { points: calls } = await telemetry.points('cert_bound_auth.authorization_server.call.duration');
    expect(calls.map(([attributes]) => attributes['cert_bound_auth.call.purpose'])).toEqual([
      'metadata',
      'keys',
    ]);
    expect(calls.map(([attributes]) => attributes['cert_bound_auth.issuer'])).toEqual([as.issuer, as.issuer]);

    const spans = telemetry.spans();
    expect(spans).toHaveLength(3);
    expect(spans[2]?.attributes).toMatchObject({
      'http.request.method': 'GET',
      'http.route': '/',
      'cert_bound_auth.reason': 'certificate_mismatch',
      'cert_bound_auth.issuer': as.issuer,
      'cert_bound_auth.client_id': 'client-1',
      'cert_bound_auth.certificate_sha256': world.client2.thumbprint,
    });
  });

  test('OpenTelemetry records each request once when two apps run in the process, and nothing after they have ended', async () => {
    const as = await startAuthorizationServer(world);
    const [first, second] = await Promise.all([
      startApi(world, platform, as, [TokenController]),
      startApi(world, platform, as, [TokenController]),
    ]);
    await clientOf(first, world).get('/').expect(401);
    await clientOf(second, world).get('/').expect(401);
    expect(telemetry.spans()).toHaveLength(2);
    await first.close();
    await clientOf(second, world).get('/').expect(401);
    expect(telemetry.spans()).toHaveLength(3);
  });

  test('OpenTelemetry records the span of a decision inside the span of its request', async () => {
    context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
    whenOver(async () => context.disable());
    const tracer = trace.getTracer('test');
    const { as, app } = await startProtectedApi(world, platform, [TokenController], {
      // As an instrumentation of the server does it.
      configure: (configured) =>
        configured.use((_request: Request, response: { on: NodeJS.EventEmitter['on'] }, next: NextFunction) =>
          tracer.startActiveSpan('request', (span) => {
            response.on('finish', () => span.end());
            next();
          }),
        ),
    });
    const token = await as.accessToken({ certificate: world.client1 });
    await clientOf(app, world, world.client1, token).get('/').expect(200);
    const [decision, request] = telemetry.spans();
    expect([decision?.name, request?.name]).toEqual(['authenticate request', 'request']);
    expect(decision?.parentSpanContext?.spanId).toBe(request?.spanContext().spanId);
  });
});

describe.each(PLATFORMS)('the samples of docs/operations.md on %s', (platform) => {
  /** An app of a sample's module, one route, and an authorization server. */
  const start = async (module: Type, as: TestAuthorizationServer) => {
    class App {}
    const imports = [CertBoundAuthModule.forRoot(as.moduleOptions), module];
    const app = await startApp(
      platform,
      { module: App, imports, controllers: [TokenController] },
      tlsOf(world),
    );
    whenOver(async () => app.close());
    return app;
  };

  test('the audit trail has one entry per request', async () => {
    const { AuditModule, AuditTrail } = await sample<{
      AuditModule: Type;
      AuditTrail: Type<{ readonly entries: readonly string[] }>;
    }>('audit-trail.ts');
    const as = await startAuthorizationServer(world);
    const app = await start(AuditModule, as);
    const token = await as.accessToken({ certificate: world.client1 });
    await clientOf(app, world, world.client1, token).get('/').expect(200);
    await clientOf(app, world, world.client2, token).get('/').expect(401);
    await as.stop();
    await clientOf(app, world, world.client2, as.opaqueToken()).get('/').expect(503);
    const entries = app.get(AuditTrail).entries.map((entry) => JSON.parse(entry) as object);
    const common = { route: 'GET /', issuer: as.issuer, clientId: 'client-1' };
    expect(entries).toMatchObject([
      { ...common, outcome: 'accepted', why: 'certificate', certificateThumbprint: world.client1.thumbprint },
      {
        ...common,
        outcome: 'refused',
        why: 'certificate_mismatch',
        certificateThumbprint: world.client2.thumbprint,
      },
      { outcome: 'unavailable', why: 'authorization_server_unreachable' },
    ]);
    expect(entries).toHaveLength(3);
  });

  test('the channels publish outages and calls', async () => {
    const { outages } = await sample<{ readonly outages: readonly { readonly reason: string }[] }>(
      'events.ts',
    );
    const before = outages.length;
    const { as, app } = await startProtectedApi(world, platform, [TokenController]);
    const token = await as.accessToken({ certificate: world.client1 });
    await as.stop();
    await clientOf(app, world, world.client1, token).get('/').expect(503);
    expect(outages.slice(before).map(({ reason }) => reason)).toEqual(['authorization_server_unreachable']);
  });

  test('the health check tells how the authorization server is doing without asking it anything', async () => {
    const { HealthModule } = await sample<{ HealthModule: Type }>('health.controller.ts');
    const as = await startAuthorizationServer(world);
    const app = await start(HealthModule, as);
    const health = async (): Promise<unknown> => {
      const { status, body } = await clientOf(app, world).get('/health');
      const { details } = body as { details: Record<string, { servers: Record<string, object> }> };
      return { http: status, ...details['authorization-servers']?.servers[as.issuer] };
    };
    expect(await health()).toEqual({
      http: 200,
      keys: { state: 'not-fetched' },
      introspection: 'closed',
      statusLists: 'none',
    });
    expect(as.requests).toEqual([]);

    const token = await as.accessToken({ certificate: world.client1 });
    await clientOf(app, world, world.client1, token).get('/').expect(200);
    expect(await health()).toMatchObject({ http: 200, keys: { state: 'fresh', age: 0 } });

    as.behave('introspection', 'reset');
    for (let i = 0; i < 5; i += 1) {
      await clientOf(app, world, world.client1, as.opaqueToken()).get('/').expect(503);
    }
    await eventually(async () => ((await health()) as { readonly http: number }).http === 503);
    expect(await health()).toMatchObject({ http: 503, introspection: 'open' });
  });

  test('the health check is down where there are no keys, and says why', async () => {
    const { HealthModule } = await sample<{ HealthModule: Type }>('health.controller.ts');
    const as = await startAuthorizationServer(world);
    const app = await start(HealthModule, as);
    as.behave('jwks', { status: 500 });
    const token = await as.accessToken({ certificate: world.client1 });
    await clientOf(app, world, world.client1, token).get('/').expect(503);
    const { text } = await clientOf(app, world).get('/health').expect(503);
    expect(text).toContain('unavailable');
    expect(text).toContain('authorization_server_answer_invalid');
  });

  test('a withdrawn key is forgotten at once', async () => {
    const { WithdrawnKey } = await sample<{
      WithdrawnKey: new (servers: AuthorizationServers) => { forget(): Promise<void> };
    }>('withdrawn-key.ts');
    const { as, app } = await startProtectedApi(world, platform, [TokenController]);
    const token = await as.accessToken({ certificate: world.client1 });
    await clientOf(app, world, world.client1, token).get('/').expect(200);
    await as.rotateKeys({ keep: false });
    await clientOf(app, world, world.client1, token).get('/').expect(200);
    await new WithdrawnKey(app.get(AuthorizationServers)).forget();
    await clientOf(app, world, world.client1, token).get('/').expect(401);
  });
});
