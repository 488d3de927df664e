import type { Attributes } from '@opentelemetry/api';
import type { AccessDecision } from './access-decision.js';
import type { OpenTelemetryApi } from './open-telemetry-api.js';
import { definedAttributes } from './telemetry-attributes.js';

/**
 * Records a decision, when it has been made, as a span in the one of its request. It names no subject, for that is
 * personal, and nothing of a token that was not verified.
 */
export function recordSpan(
  { trace, SpanKind, SpanStatusCode }: OpenTelemetryApi,
  decision: AccessDecision,
): void {
  const now = Date.now();
  const span = trace.getTracer('nestjs-cert-bound-auth').startSpan('authenticate request', {
    kind: SpanKind.INTERNAL,
    startTime: now - decision.duration,
    attributes: attributesOf(decision),
  });
  if (decision.outcome === 'unavailable') {
    span.setStatus({ code: SpanStatusCode.ERROR, message: decision.reason });
  }
  span.end(now);
}

function attributesOf(decision: AccessDecision): Attributes {
  const { method, path } = splitRoute(decision.route);
  return definedAttributes({
    'http.request.method': method,
    'http.route': path,
    'cert_bound_auth.outcome': decision.outcome,
    'cert_bound_auth.policy': decision.policy,
    'cert_bound_auth.scheme': decision.scheme,
    'cert_bound_auth.issuer': decision.issuer,
    'cert_bound_auth.client_id': decision.clientId,
    'cert_bound_auth.token_sha256': decision.tokenDigest,
    'cert_bound_auth.certificate_sha256': decision.certificateThumbprint,
    'cert_bound_auth.cache_hit': decision.cacheHit,
    ...outcomeAttributes(decision),
  });
}

function outcomeAttributes(decision: AccessDecision): Attributes {
  if (decision.outcome === 'accepted') return { 'cert_bound_auth.bound_by': [...decision.boundBy] };
  const { outcome, reason, status } = decision;
  return {
    'cert_bound_auth.reason': reason,
    'cert_bound_auth.status': status,
    ...(outcome === 'unavailable' ? { 'error.type': reason } : {}),
  };
}

/** `GET /accounts/:id`, whose parts the conventions have apart; a path that is not known they leave out. */
function splitRoute(route: string): { readonly method: string; readonly path: string | undefined } {
  const [method = '', path] = route.split(' ', 2);
  return { method, path: path === 'unknown' ? undefined : path };
}
