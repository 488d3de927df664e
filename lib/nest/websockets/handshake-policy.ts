import type { Type } from '@nestjs/common';
import { classPolicy, type ProtectedRoute, routePolicy } from '../demands/route-policy.js';
import { subscribersOf } from './gateways.js';

/** What a connection must meet for several gateways, of which each is told of it. */
export interface HandshakePolicy {
  /** `undefined` where anybody may connect. */
  readonly demanded: ProtectedRoute | undefined;
  /** Whether a message may demand what only the handshake can show. */
  readonly messagesDemand: boolean;
}

/** Whoever connects must meet what each gateway demands, for each is told: a public one opens nothing for another. */
export function handshakePolicyOf(gateways: readonly Type[], protectsAll: boolean): HandshakePolicy {
  const closed = gateways
    .map((gateway) => classPolicy(gateway))
    .filter(({ isPublic, demanded }) => !isPublic && (protectsAll || demanded));
  return {
    demanded: closed.length === 0 ? undefined : together(closed),
    messagesDemand: gateways.some((gateway) => hasDemandingMessages(gateway, protectsAll)),
  };
}

function together(closed: readonly ReturnType<typeof classPolicy>[]): ProtectedRoute {
  return {
    kind: 'protected',
    anonymous: closed.every(({ anonymous }) => anonymous),
    rules: closed.flatMap(({ rules }) => rules),
    checks: closed.flatMap(({ checks }) => checks),
    constraints: [...new Set(closed.flatMap(({ constraints }) => constraints))],
  };
}

function hasDemandingMessages(gateway: Type, protectsAll: boolean): boolean {
  return subscribersOf(gateway).some((handler) => {
    const policy = routePolicy(gateway, handler);
    return policy.kind === 'protected' && (protectsAll || policy.demanded);
  });
}
