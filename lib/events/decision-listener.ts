import type { AccessDecision } from './access-decision.js';

/**
 * Is told of every decision: provide a class of yours under this token in any module of the app, and inject into it what
 * you need. It is called while the request waits, so it must not block; what it throws is logged and changes nothing.
 *
 * `{ provide: DecisionListener, useClass: AuditTrail }`
 */
export abstract class DecisionListener {
  abstract onDecision(decision: AccessDecision): void;
}
