import type { Attributes, Counter, Histogram, Meter, MeterProvider } from '@opentelemetry/api';
import type { AccessDecision } from './access-decision.js';
import type { AuthorizationServerCall } from './authorization-server-call.js';
import type { OpenTelemetryApi } from './open-telemetry-api.js';
import { observeSources } from './source-gauges.js';
import { definedAttributes, renderBoundBy } from './telemetry-attributes.js';

interface Instruments {
  readonly decisions: Counter;
  readonly decisionDuration: Histogram;
  readonly callDuration: Histogram;
}

/**
 * The metrics. The values of their attributes come from fixed sets and from the configuration: nothing that a caller
 * sends makes a new time series.
 */
export class TelemetryMetrics {
  private readonly instruments: Instruments;
  private readonly stopObserving: () => void;

  constructor({ metrics }: OpenTelemetryApi) {
    const provider = metrics.getMeterProvider();
    this.instruments = createInstruments(provider);
    this.stopObserving = observeSources(provider.getMeter('nestjs-cert-bound-auth'));
  }

  /** Ends what is asked each time that metrics are exported. */
  close(): void {
    this.stopObserving();
  }

  recordDecision(decision: AccessDecision): void {
    const { decisions, decisionDuration } = this.instruments;
    decisions.add(1, decisionAttributes(decision));
    decisionDuration.record(decision.duration / 1000, durationAttributes(decision));
  }

  recordCall(call: AuthorizationServerCall): void {
    this.instruments.callDuration.record(call.duration / 1000, callAttributes(call));
  }
}

function createInstruments(provider: MeterProvider): Instruments {
  const meter = provider.getMeter('nestjs-cert-bound-auth');
  return {
    decisions: meter.createCounter('cert_bound_auth.decisions', {
      description: 'Decisions about requests',
      unit: '{decision}',
    }),
    decisionDuration: createDuration(
      meter,
      'cert_bound_auth.decision.duration',
      'Time from the first look at a request to the decision about it',
    ),
    callDuration: createDuration(
      meter,
      'cert_bound_auth.authorization_server.call.duration',
      'Duration of calls to authorization servers',
    ),
  };
}

/** The default ones are for milliseconds. A token that is known takes microseconds; a call has seconds. */
const BUCKETS_S = [
  0.00005, 0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10,
];

function createDuration(meter: Meter, name: string, description: string): Histogram {
  const advice = { explicitBucketBoundaries: BUCKETS_S };
  return meter.createHistogram(name, { description, unit: 's', advice });
}

function decisionAttributes(decision: AccessDecision): Attributes {
  return definedAttributes({
    'cert_bound_auth.outcome': decision.outcome,
    'cert_bound_auth.policy': decision.policy,
    'cert_bound_auth.scheme': decision.scheme,
    'cert_bound_auth.cache_hit': decision.cacheHit,
    ...(decision.outcome === 'accepted'
      ? { 'cert_bound_auth.bound_by': renderBoundBy(decision.boundBy) }
      : { 'cert_bound_auth.reason': decision.reason }),
  });
}

/** A refusal is no error: it is what this module is for. */
function durationAttributes(decision: AccessDecision): Attributes {
  return definedAttributes({
    'cert_bound_auth.outcome': decision.outcome,
    'cert_bound_auth.cache_hit': decision.cacheHit,
    'error.type': decision.outcome === 'unavailable' ? decision.reason : undefined,
  });
}

function callAttributes({ issuer, purpose, outcome, status }: AuthorizationServerCall): Attributes {
  return definedAttributes({
    'cert_bound_auth.issuer': issuer,
    'cert_bound_auth.call.purpose': purpose,
    'cert_bound_auth.call.outcome': outcome,
    'http.response.status_code': status,
    'error.type': errorTypeOf(outcome, status),
  });
}

/** As the semantic conventions for HTTP clients have it: the status, or what kept the answer away. */
function errorTypeOf(
  outcome: AuthorizationServerCall['outcome'],
  status: number | undefined,
): string | undefined {
  if (outcome !== 'answered') return outcome;
  return status !== undefined && status >= 400 ? String(status) : undefined;
}
