import { messageOf } from '../common/message-of.js';
import type { AccessDecision } from './access-decision.js';
import type { AuthorizationServerCall } from './authorization-server-call.js';
import { decisions, serverCalls } from './channels.js';
import { recordSpan } from './decision-span.js';
import type { OpenTelemetryApi } from './open-telemetry-api.js';
import { TelemetryMetrics } from './telemetry-metrics.js';
import { log } from '../common/log.js';

/** The channels belong to the process, so however many modules there are, each event is recorded once. */
let users = 0;
let running: Promise<Unsubscribe> | undefined;

type Unsubscribe = () => void;

/**
 * Records every decision and every call to an authorization server by OpenTelemetry, if the app has set it up before.
 * @param load gets the API; it rejects where the package is not installed
 * @returns what ends it, when all that have started it have ended it
 */
export async function startTelemetry(
  load: () => Promise<OpenTelemetryApi | undefined> = loadApi,
): Promise<() => void> {
  users += 1;
  running ??= subscribe(load);
  const unsubscribe = await running;
  let ended = false;
  return () => {
    if (ended) return;
    ended = true;
    users -= 1;
    if (users > 0) return;
    running = undefined;
    unsubscribe();
  };
}

/** A bundler leaves an import alone that it cannot resolve only where the failure is caught on the spot. */
async function loadApi(): Promise<OpenTelemetryApi | undefined> {
  try {
    return await import('@opentelemetry/api');
  } catch (error) {
    return withoutApi(error);
  }
}

function withoutApi(error: unknown): undefined {
  if (!isAbsent(error)) log.warn(`OpenTelemetry could not be loaded: ${messageOf(error)}`);
}

async function subscribe(load: () => Promise<OpenTelemetryApi | undefined>): Promise<Unsubscribe> {
  const api = await load().catch(withoutApi);
  if (api === undefined || !hasSdk(api)) return () => undefined;

  const metrics = new TelemetryMetrics(api);
  const onDecision = guarded((decision) => {
    metrics.recordDecision(decision as AccessDecision);
    recordSpan(api, decision as AccessDecision);
  });
  const onCall = guarded((call) => metrics.recordCall(call as AuthorizationServerCall));
  decisions.subscribe(onDecision);
  serverCalls.subscribe(onCall);
  return () => {
    decisions.unsubscribe(onDecision);
    serverCalls.unsubscribe(onCall);
    metrics.close();
  };
}

/**
 * Whether anything would be recorded: the API alone does nothing, but would cost each request some microseconds. A span
 * that is begun and not ended is never exported.
 */
function hasSdk({ trace, metrics, isSpanContextValid, createNoopMeter }: OpenTelemetryApi): boolean {
  const span = trace.getTracer('nestjs-cert-bound-auth').startSpan('probe');
  if (isSpanContextValid(span.spanContext())) return true;
  return metrics.getMeterProvider().getMeter('nestjs-cert-bound-auth') !== createNoopMeter();
}

/** Not installed, which is normal; another package that is missing is not. */
function isAbsent(error: unknown): boolean {
  const { code } = error as { readonly code?: unknown };
  return (
    (code === 'ERR_MODULE_NOT_FOUND' || code === 'MODULE_NOT_FOUND') &&
    messageOf(error).includes("'@opentelemetry/api'")
  );
}

/** What a subscriber throws would end the process. It is logged, once: the next event would say the same. */
function guarded(record: (event: unknown) => void): (event: unknown) => void {
  let failed = false;
  return (event) => {
    try {
      record(event);
    } catch (error) {
      if (!failed) log.error(`OpenTelemetry failed: ${messageOf(error)}`);
      failed = true;
    }
  };
}
