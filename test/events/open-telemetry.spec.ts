import { Logger } from '@nestjs/common';
import * as api from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { AcceptedAccess, AccessDecision, RefusedAccess } from '../../lib/events/access-decision.js';
import type { AuthorizationServerCall } from '../../lib/events/authorization-server-call.js';
import { decisions, serverCalls } from '../../lib/events/channels.js';
import { startTelemetry } from '../../lib/events/open-telemetry.js';
import type { RevocationSourceHealth } from '../../lib/events/revocation-source-health.js';
import { addRevocationSources } from '../../lib/events/revocation-sources.js';
import { RecordingLogger } from '../support/recording-logger.js';
import { recordTelemetry, type Telemetry } from '../support/telemetry.js';

const ACCEPTED: AcceptedAccess = {
  outcome: 'accepted',
  boundBy: ['certificate'],
  issuer: 'https://as.example.com',
  clientId: 'client-1',
  subject: 'user-1',
  route: 'GET /accounts/:id',
  scheme: 'Bearer',
  tokenDigest: 'digest of the token',
  certificateThumbprint: 'thumbprint of the certificate',
  interactionId: undefined,
  cacheHit: false,
  duration: 2.5,
};

const { boundBy: _, ...DECIDED } = ACCEPTED;
const REFUSED: RefusedAccess = {
  ...DECIDED,
  outcome: 'refused',
  reason: 'certificate_mismatch',
  status: 401,
  error: 'invalid_token',
  detail: 'the token is bound to another',
  claimed: undefined,
};
const UNAVAILABLE: RefusedAccess = {
  ...REFUSED,
  outcome: 'unavailable',
  reason: 'authorization_server_unreachable',
  status: 503,
  error: undefined,
  issuer: undefined,
  clientId: undefined,
  subject: undefined,
  claimed: { issuer: 'claimed issuer', clientId: 'claimed client', subject: 'claimed subject' },
};
const CALL: AuthorizationServerCall = {
  issuer: 'https://as.example.com',
  purpose: 'keys',
  outcome: 'answered',
  status: 200,
  duration: 12,
};

let telemetry: Telemetry;
let stop: () => void;
beforeEach(async () => {
  telemetry = recordTelemetry();
  stop = await startTelemetry();
});
afterEach(async () => {
  stop();
  await telemetry.end();
});

const decide = (...made: readonly AccessDecision[]): void => {
  for (const decision of made) decisions.publish(decision);
};
const call = (...made: readonly Partial<AuthorizationServerCall>[]): void => {
  for (const one of made) serverCalls.publish({ ...CALL, ...one });
};

const LIST: RevocationSourceHealth = {
  source: 'http://crl.example/one.crl',
  kind: 'crl',
  state: 'fresh',
  age: 60,
  thisUpdate: Date.now() / 1000 - 60,
  nextUpdate: Date.now() / 1000 + 3_600,
  failures: 0,
  lastFailure: undefined,
};
const OF_LISTS = {
  'cert_bound_auth.revocation_source': 'crl.example',
  'cert_bound_auth.revocation_source.kind': 'crl',
};

describe('the metrics of the sources of revoked certificates', () => {
  const gauge = async (name: string) => telemetry.points(`cert_bound_auth.revocation_source.${name}`);

  test('metrics tell the worst of several lists at one host, so that no certificate can make a new time series', async () => {
    const worse = { ...LIST, source: 'http://crl.example/two.crl', age: 90, failures: 3 };
    const next = { ...worse, nextUpdate: Date.now() / 1000 - 100 };
    const forget = addRevocationSources(() => [LIST, next, { ...LIST, age: 1 }]);
    expect((await gauge('age')).points).toEqual([[OF_LISTS, 90]]);
    expect((await gauge('failures')).points).toEqual([[OF_LISTS, 3]]);
    const { unit, points } = await gauge('time_left');
    expect([unit, Math.round(Number(points[0]?.[1]) / 10), points.length]).toEqual(['s', -10, 1]);
    forget();
  });

  test('a file is told by its path and a responder by its host, without what is not known of them', async () => {
    const unknown = { age: undefined, thisUpdate: undefined, nextUpdate: undefined };
    const file = { ...LIST, kind: 'crl-file', source: '/etc/ca.crl' } as const;
    const responder = { ...LIST, ...unknown, kind: 'ocsp', source: 'http://ocsp.example:8080/a' } as const;
    const forget = addRevocationSources(() => [file, responder]);
    const ofFile = {
      'cert_bound_auth.revocation_source': '/etc/ca.crl',
      'cert_bound_auth.revocation_source.kind': 'crl-file',
    };
    expect((await gauge('age')).points).toEqual([[ofFile, 60]]);
    expect((await gauge('failures')).points).toEqual([
      [ofFile, 0],
      [
        {
          'cert_bound_auth.revocation_source': 'ocsp.example:8080',
          'cert_bound_auth.revocation_source.kind': 'ocsp',
        },
        0,
      ],
    ]);
    forget();
  });

  test('no source is asked that is forgotten, nor any after the end', async () => {
    const asked = { forgotten: 0, other: 0 };
    const countFor = (name: keyof typeof asked) => () => {
      asked[name] += 1;
      return [LIST];
    };
    const forget = addRevocationSources(countFor('forgotten'));
    const forgetOther = addRevocationSources(countFor('other'));
    await gauge('age');
    const gauges = 3;
    expect(asked).toEqual({ forgotten: gauges, other: gauges });
    forget();
    await gauge('age');
    expect(asked).toEqual({ forgotten: gauges, other: 2 * gauges });
    stop();
    await gauge('age');
    expect(asked).toEqual({ forgotten: gauges, other: 2 * gauges });
    forgetOther();
  });
});

describe('the metrics of OpenTelemetry', () => {
  test('the metrics count decisions by what was decided', async () => {
    const unbound: AcceptedAccess = { ...ACCEPTED, boundBy: [], cacheHit: true };
    const both: AcceptedAccess = { ...ACCEPTED, boundBy: ['certificate', 'dpop'], scheme: 'DPoP' };
    const credentialless: RefusedAccess = { ...REFUSED, reason: 'credentials_missing', scheme: undefined };
    decide(ACCEPTED, ACCEPTED, unbound, both, REFUSED, credentialless, UNAVAILABLE);
    const common = { 'cert_bound_auth.scheme': 'Bearer', 'cert_bound_auth.cache_hit': false };
    const accepted = { ...common, 'cert_bound_auth.outcome': 'accepted' };
    const refused = { ...common, 'cert_bound_auth.outcome': 'refused' };
    const counted = await telemetry.points('cert_bound_auth.decisions');
    expect(counted.unit).toBe('{decision}');
    expect(counted.points).toEqual([
      [{ ...accepted, 'cert_bound_auth.bound_by': 'certificate' }, 2],
      [{ ...accepted, 'cert_bound_auth.bound_by': 'none', 'cert_bound_auth.cache_hit': true }, 1],
      [{ ...accepted, 'cert_bound_auth.bound_by': 'certificate+dpop', 'cert_bound_auth.scheme': 'DPoP' }, 1],
      [{ ...refused, 'cert_bound_auth.reason': 'certificate_mismatch' }, 1],
      [
        {
          'cert_bound_auth.cache_hit': false,
          'cert_bound_auth.outcome': 'refused',
          'cert_bound_auth.reason': 'credentials_missing',
        },
        1,
      ],
      [
        {
          ...common,
          'cert_bound_auth.outcome': 'unavailable',
          'cert_bound_auth.reason': 'authorization_server_unreachable',
        },
        1,
      ],
    ]);
  });

  test('the metrics measure decisions in seconds, and only an outage is an error', async () => {
    decide(ACCEPTED, { ...ACCEPTED, duration: 0.5 }, REFUSED, UNAVAILABLE);
    const measured = await telemetry.points('cert_bound_auth.decision.duration');
    const common = { 'cert_bound_auth.cache_hit': false };
    expect(measured.unit).toBe('s');
    expect(measured.points).toMatchObject([
      [
        { ...common, 'cert_bound_auth.outcome': 'accepted' },
        { count: 2, sum: 0.003 },
      ],
      [
        { ...common, 'cert_bound_auth.outcome': 'refused' },
        { count: 1, sum: 0.0025 },
      ],
      [
        {
          ...common,
          'cert_bound_auth.outcome': 'unavailable',
          'error.type': 'authorization_server_unreachable',
        },
        { count: 1 },
      ],
    ]);
    expect(measured.points.map(([attributes]) => Object.keys(attributes).length)).toEqual([2, 2, 3]);
    // In buckets for milliseconds both of the first would be in one.
    const accepted = measured.points[0]?.[1];
    const { buckets } = accepted as { readonly buckets: { readonly counts: readonly number[] } };
    expect(buckets.counts.filter((count) => count > 0)).toEqual([1, 1]);
  });

  test('the metrics measure calls to authorization servers, and tell what went wrong', async () => {
    call(
      {},
      { status: 404 },
      { outcome: 'failed', status: undefined },
      { outcome: 'not-sent', status: undefined },
    );
    const measured = await telemetry.points('cert_bound_auth.authorization_server.call.duration');
    const common = { 'cert_bound_auth.issuer': CALL.issuer, 'cert_bound_auth.call.purpose': 'keys' };
    expect(measured.unit).toBe('s');
    expect(measured.points.map(([attributes]) => attributes)).toEqual([
      { ...common, 'cert_bound_auth.call.outcome': 'answered', 'http.response.status_code': 200 },
      {
        ...common,
        'cert_bound_auth.call.outcome': 'answered',
        'http.response.status_code': 404,
        'error.type': '404',
      },
      { ...common, 'cert_bound_auth.call.outcome': 'failed', 'error.type': 'failed' },
      { ...common, 'cert_bound_auth.call.outcome': 'not-sent', 'error.type': 'not-sent' },
    ]);
    expect(measured.points[0]?.[1]).toMatchObject({ sum: 0.012 });
  });

  test('the metrics have no series for values that a caller sends', async () => {
    for (let i = 0; i < 50; i += 1) {
      const own = {
        clientId: `c${i}`,
        subject: `s${i}`,
        tokenDigest: `t${i}`,
        certificateThumbprint: `x${i}`,
      };
      decide(
        { ...ACCEPTED, ...own, route: `GET /${i}` },
        { ...REFUSED, ...own, detail: `d${i}`, claimed: { ...own, issuer: `i${i}` } },
      );
    }
    expect((await telemetry.points('cert_bound_auth.decisions')).points).toHaveLength(2);
    expect((await telemetry.points('cert_bound_auth.decision.duration')).points).toHaveLength(2);
  });
});

describe('the span of a decision', () => {
  test('a span tells what was decided, when and about which issuer, client and certificate, but no personal data', () => {
    const before = Date.now();
    decide(ACCEPTED);
    const [span, ...others] = telemetry.spans();
    expect(others).toEqual([]);
    expect(span).toMatchObject({ name: 'authenticate request', kind: api.SpanKind.INTERNAL });
    expect(span?.status.code).toBe(api.SpanStatusCode.UNSET);
    expect(span?.attributes).toEqual({
      'http.request.method': 'GET',
      'http.route': '/accounts/:id',
      'cert_bound_auth.outcome': 'accepted',
      'cert_bound_auth.scheme': 'Bearer',
      'cert_bound_auth.bound_by': ['certificate'],
      'cert_bound_auth.issuer': 'https://as.example.com',
      'cert_bound_auth.client_id': 'client-1',
      'cert_bound_auth.token_sha256': 'digest of the token',
      'cert_bound_auth.certificate_sha256': 'thumbprint of the certificate',
      'cert_bound_auth.cache_hit': false,
    });
    const [started, ended] = [span?.startTime, span?.endTime].map((time) => millisecondsOf(time));
    expect((ended ?? 0) - (started ?? 0)).toBeCloseTo(2.5, 1);
    expect(ended).toBeGreaterThanOrEqual(before);
    expect(ended).toBeLessThanOrEqual(Date.now());
  });

  test('the span of a refusal is no error, and has the reason', () => {
    decide(REFUSED);
    const [span] = telemetry.spans();
    expect(span?.status.code).toBe(api.SpanStatusCode.UNSET);
    expect(span?.attributes).toMatchObject({
      'cert_bound_auth.outcome': 'refused',
      'cert_bound_auth.reason': 'certificate_mismatch',
      'cert_bound_auth.status': 401,
    });
    expect(span?.attributes).not.toHaveProperty('error.type');
  });

  test('the span of an outage is an error, and has nothing that the token only claims', () => {
    decide({ ...UNAVAILABLE, route: 'GET unknown' });
    const [span] = telemetry.spans();
    expect(span?.status).toEqual({
      code: api.SpanStatusCode.ERROR,
      message: 'authorization_server_unreachable',
    });
    expect(span?.attributes).toMatchObject({ 'error.type': 'authorization_server_unreachable' });
    expect(span?.attributes).not.toHaveProperty('http.route');
    expect(JSON.stringify(span?.attributes)).not.toContain('claimed');
  });

  test('the span of a decision is a child of the span of its request', () => {
    api.context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
    const tracer = api.trace.getTracer('test');
    tracer.startActiveSpan('request', (request) => {
      decide(ACCEPTED);
      request.end();
    });
    api.context.disable();
    const [decision, request] = telemetry.spans();
    expect(decision?.parentSpanContext?.spanId).toBe(request?.spanContext().spanId);
    expect(decision?.spanContext().traceId).toBe(request?.spanContext().traceId);
  });
});

describe('the channels belong to the process', () => {
  test('each event is recorded once, however many modules there are, until the last has ended', async () => {
    const [stopSecond, stopThird] = await Promise.all([startTelemetry(), startTelemetry()]);
    decide(ACCEPTED);
    expect(telemetry.spans()).toHaveLength(1);
    stop();
    stop();
    stopSecond();
    decide(ACCEPTED);
    expect(telemetry.spans()).toHaveLength(2);
    stopThird();
    decide(ACCEPTED);
    call({});
    expect(telemetry.spans()).toHaveLength(2);
    expect([decisions.hasSubscribers, serverCalls.hasSubscribers]).toEqual(NOBODY);
    stop = await startTelemetry();
    decide(ACCEPTED);
    expect(telemetry.spans()).toHaveLength(3);
  });
});

/** Whether anyone else listens, as the suite's own watch does. */
const NOBODY = [decisions.hasSubscribers, serverCalls.hasSubscribers];

describe('an app without OpenTelemetry', () => {
  let logger: RecordingLogger;
  beforeEach(() => {
    stop();
    logger = new RecordingLogger();
    Logger.overrideLogger(logger);
  });
  afterEach(() => Logger.overrideLogger(false));

  const failing = async (message: string, code?: string): Promise<void> => {
    stop = await startTelemetry(async () => Promise.reject(Object.assign(new Error(message), { code })));
    expect([decisions.hasSubscribers, serverCalls.hasSubscribers]).toEqual(NOBODY);
    stop();
  };

  test('nobody listens and nothing is logged where the package is missing, because that is normal', async () => {
    await failing("Cannot find package '@opentelemetry/api' imported from /app/x.js", 'ERR_MODULE_NOT_FOUND');
    await failing("Cannot find module '@opentelemetry/api'", 'MODULE_NOT_FOUND');
    expect(logger.lines).toEqual([]);
  });

  test('nobody listens where the API is there, but no SDK', async () => {
    await telemetry.end();
    stop = await startTelemetry();
    expect([decisions.hasSubscribers, serverCalls.hasSubscribers]).toEqual(NOBODY);
    stop();
    telemetry = recordTelemetry();
  });

  test('the events are recorded where there are spans alone, or metrics alone', async () => {
    for (const other of ['metrics', 'trace'] as const) {
      (other === 'metrics' ? api.metrics : api.trace).disable();
      const before = decisions.hasSubscribers;
      stop = await startTelemetry();
      decide(ACCEPTED);
      stop();
      const recorded =
        other === 'metrics'
          ? telemetry.spans()
          : (await telemetry.points('cert_bound_auth.decisions')).points;
      expect([before, recorded.length]).toEqual([NOBODY[0], 1]);
      await telemetry.end();
      telemetry = recordTelemetry();
    }
  });

  test('any other failure to load OpenTelemetry is logged once', async () => {
    await failing("Cannot find package 'other' imported from @opentelemetry/api", 'ERR_MODULE_NOT_FOUND');
    await failing("a fault in '@opentelemetry/api'");
    expect(logger.ours.map(({ level, text }) => [level, text])).toEqual([
      [
        'warn',
        "OpenTelemetry could not be loaded: Cannot find package 'other' imported from @opentelemetry/api",
      ],
      ['warn', "OpenTelemetry could not be loaded: a fault in '@opentelemetry/api'"],
    ]);
  });

  test('a fault of OpenTelemetry is logged once, and ends neither the request nor the process', async () => {
    const gauge = { addCallback: () => undefined, removeCallback: () => undefined };
    const meter = {
      createCounter: () => undefined,
      createHistogram: () => undefined,
      createObservableGauge: () => gauge,
    };
    const broken = {
      ...api,
      metrics: { getMeterProvider: () => ({ getMeter: () => meter }) },
    } as unknown as typeof api;
    stop = await startTelemetry(async () => broken);
    decide(ACCEPTED, ACCEPTED);
    call({}, {});
    expect(logger.ours.map(({ level }) => level)).toEqual(['error', 'error']);
    expect(logger.ours[0]?.text).toMatch(/^OpenTelemetry failed: /);
  });
});

/** Milliseconds since the epoch. */
function millisecondsOf(time: api.HrTime | undefined): number | undefined {
  return time === undefined ? undefined : time[0] * 1000 + time[1] / 1_000_000;
}
