import { applyDecorators, UseGuards } from '@nestjs/common';
import { state } from '../demands/statements.js';
import { describeSecurity } from '../demands/swagger-security.js';
import { ScopesGuard } from '../guards/scopes.guard.js';

/**
 * Protects a class or a method by one of the module's `policies`: a token is needed that is valid there, of one of its
 * authorization servers, for its audience, bound as it wants it. What another policy, or the module itself, has accepted says
 * nothing here. The one on a method replaces that of its class, and that of a class the one of its base class; what scopes and
 * other decorators demand stays. A connection to a gateway is decided about once: there it stands on the class.
 * @param name of a policy; the boot stops where there is none of it
 * @throws TypeError without a name
 * @example
 * ```ts
 * import { Controller, Get } from '@nestjs/common';
 * import { Policy, Scopes } from 'nestjs-cert-bound-auth';
 *
 * @Controller('orders')
 * @Policy('partners')
 * export class OrdersController {
 *   @Get() @Scopes('orders:read') list() {}
 * }
 * ```
 */
export function Policy(name: string): ClassDecorator & MethodDecorator {
  if (typeof name !== 'string' || name === '') throw new TypeError('@Policy() needs the name of a policy');
  return applyDecorators(state({ kind: 'policy', policy: name }), describeSecurity, UseGuards(ScopesGuard));
}
