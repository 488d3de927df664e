import { applyDecorators, UseGuards } from '@nestjs/common';
import { state } from '../demands/statements.js';
import type { SenderConstraint } from '../../authorization/demands.js';
import { requireConstraint } from '../../authorization/make-demands.js';
import { ScopesGuard } from '../guards/scopes.guard.js';
import { describeSecurity } from '../demands/swagger-security.js';

/**
 * Protects a class or a method: a valid token is needed, and the caller must have proved the key that it is bound to
 * in this way: `certificate` (RFC 8705), `dpop` (RFC 9449), or `any` of them, which is more than `binding: 'if-bound'`
 * asks for. The one on a method replaces that of its class; several on one target all hold. It loosens nothing: a
 * token that is bound to two keys needs the proof of both everywhere.
 * @throws TypeError for anything else
 * @example
 * ```ts
 * import { Controller, Post } from '@nestjs/common';
 * import { SenderConstrained } from 'nestjs-cert-bound-auth';
 *
 * @Controller('transfers')
 * export class TransfersController {
 *   @Post() @SenderConstrained('certificate') transfer() {} // a DPoP proof is not enough here
 * }
 * ```
 */
export function SenderConstrained(constraint: SenderConstraint): ClassDecorator & MethodDecorator {
  requireConstraint('@SenderConstrained()', constraint);
  // A class replaces what its base class says.
  return applyDecorators(state({ kind: 'constraint', constraint }), describeSecurity, UseGuards(ScopesGuard));
}
