import type { Type } from '@nestjs/common';
import {
  classPolicy,
  type ClassPolicy,
  type GuardedRoute,
  type NamedPolicy,
  onePolicyOf,
  type ProtectedRoute,
  routePolicy,
} from '../demands/route-policy.js';
import { subscribersOf } from './gateways.js';

/** What a connection must meet for several gateways, of which each is told of it. */
export interface HandshakePolicy extends NamedPolicy {
  /** `undefined` where anybody may connect. */
  readonly demanded: ProtectedRoute | undefined;
  /** Whether a message may demand what only the handshake can show. */
  readonly messagesDemand: boolean;
}

/** Whoever connects must meet what each gateway demands, for each is told: a public one opens nothing for another. */
export function handshakePolicyOf(gateways: readonly Type[], protectsAll: boolean): HandshakePolicy {
  const closed = closedAmong(gateways, protectsAll);
  const policy = onePolicyOf(policiesOf(gateways, protectsAll));
  return {
    demanded: closed.length === 0 ? undefined : { ...together(closed), policy },
    messagesDemand: gateways.some((gateway) => demandingMessages(gateway, protectsAll).length > 0),
    policy,
  };
}

/**
 * The policies by which these gateways, and their messages, want to be decided; `undefined` for the module itself. A connection
 * is decided about once, so there must be one.
 */
export function policiesOf(gateways: readonly Type[], protectsAll: boolean): readonly (string | undefined)[] {
  const wanted = [
    ...closedAmong(gateways, protectsAll),
    ...gateways.flatMap((gateway) => demandingMessages(gateway, protectsAll)),
  ];
  return [...new Set(wanted.map(({ policy }) => policy))];
}

function closedAmong(gateways: readonly Type[], protectsAll: boolean): readonly ClassPolicy[] {
  return gateways
    .map((gateway) => classPolicy(gateway))
    .filter(({ isPublic, demanded }) => !isPublic && (protectsAll || demanded));
}

function together(closed: readonly ClassPolicy[]): Omit<ProtectedRoute, 'policy'> {
  return {
    kind: 'protected',
    anonymous: closed.every(({ anonymous }) => anonymous),
    rules: closed.flatMap(({ rules }) => rules),
    checks: closed.flatMap(({ checks }) => checks),
    constraints: [...new Set(closed.flatMap(({ constraints }) => constraints))],
  };
}

function demandingMessages(gateway: Type, protectsAll: boolean): readonly GuardedRoute[] {
  return subscribersOf(gateway).flatMap((handler) => {
    const policy = routePolicy(gateway, handler);
    return policy.kind === 'protected' && (protectsAll || policy.demanded) ? [policy] : [];
  });
}
