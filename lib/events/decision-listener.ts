import type { AccessDecision } from './access-decision.js';

/**
 * Is told of every decision: provide a class of yours under this token in any module of the app, and inject into it what
 * you need. It is called while the request waits, so it must not block; what it throws is logged and changes nothing.
 *
 * `{ provide: DecisionListener, useClass: AuditTrail }`
 * @example
 * ```ts
 * import { Module } from '@nestjs/common';
 * import { type AccessDecision, DecisionListener } from 'nestjs-cert-bound-auth';
 *
 * class Audit extends DecisionListener {
 *   onDecision(decision: AccessDecision): void {
 *     if (decision.outcome !== 'accepted') console.warn(decision.route, decision.reason);
 *   }
 * }
 *
 * @Module({ providers: [{ provide: DecisionListener, useClass: Audit }] })
 * export class AuditModule {}
 * ```
 */
export abstract class DecisionListener {
  abstract onDecision(decision: AccessDecision): void;
}
