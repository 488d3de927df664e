import { applyDecorators, UseGuards } from '@nestjs/common';
import type { TokenCheck } from '../../authorization/demands.js';
import { state } from '../demands/statements.js';
import { describeSecurity } from '../demands/swagger-security.js';
import { ScopesGuard } from '../guards/scopes.guard.js';

/** A decorator that adds to what other decorators demand of a class or a method. */
export function demand(check: TokenCheck): ClassDecorator & MethodDecorator {
  return applyDecorators(state({ kind: 'check', check }), describeSecurity, UseGuards(ScopesGuard));
}
