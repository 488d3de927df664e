import { applyDecorators, UseGuards } from '@nestjs/common';
import { state } from '../demands/statements.js';
import type { ScopeRule } from '../../authorization/demands.js';
import { scopeRule } from '../../authorization/make-demands.js';
import { describeSecurity } from '../demands/swagger-security.js';
import { ScopesGuard } from '../guards/scopes.guard.js';

/**
 * Protects a class or a method: a valid bound token is needed, and every scope named, together with those of
 * other decorators on the method and its class. Without a scope, the token alone is enough.
 * @throws TypeError for a name that can't be a scope (RFC 6749 §3.3), such as two in one string
 * @example
 * ```ts
 * import { Controller, Get, Post } from '@nestjs/common';
 * import { Scopes } from 'nestjs-cert-bound-auth';
 *
 * @Controller('payments')
 * @Scopes('payments:read')
 * export class PaymentsController {
 *   @Get() list() {}
 *   @Post() @Scopes('payments:write') create() {} // needs both
 * }
 * ```
 */
export function Scopes(...scopes: readonly string[]): ClassDecorator & MethodDecorator {
  return rule(scopeRule('@Scopes()', 'all', scopes));
}

/**
 * Protects a class or a method: a valid bound token is needed, and at least one of the scopes named.
 * @throws TypeError without a scope, or for a name that can't be one
 * @example
 * ```ts
 * import { Controller, Get } from '@nestjs/common';
 * import { AnyScope } from 'nestjs-cert-bound-auth';
 *
 * @Controller('reports')
 * export class ReportsController {
 *   @Get() @AnyScope('reports:read', 'admin') list() {}
 * }
 * ```
 */
export function AnyScope(...scopes: readonly [string, ...string[]]): ClassDecorator & MethodDecorator {
  return rule(scopeRule('@AnyScope()', 'any', scopes));
}

function rule(added: ScopeRule): ClassDecorator & MethodDecorator {
  // It adds to what other decorators of this target said; a subclass adds to its base class.
  return applyDecorators(state({ kind: 'rule', rule: added }), describeSecurity, UseGuards(ScopesGuard));
}
