import { applyDecorators, UseGuards } from '@nestjs/common';
import { state } from '../demands/statements.js';
import { describeSecurity } from '../demands/swagger-security.js';
import { ScopesGuard } from '../guards/scopes.guard.js';

/**
 * Lets requests without credentials into a class or a method too: then `@AccessToken()` is `undefined`, and there is no
 * `request.user`. Whoever shows anything (an `Authorization` or `DPoP` header of whatever scheme, a token in the query or in a
 * form, a ticket) is judged by all that class and method demand, and refused where it does not suffice. A client certificate
 * alone is no credential here. A demand on a method beats it on the class.
 * What is lost: whoever leaves its credentials out gets what is for everyone. The handler must not take that for less.
 * @example
 * ```ts
 * import { Controller, Get } from '@nestjs/common';
 * import { AccessToken, AllowAnonymous, type VerifiedAccessToken } from 'nestjs-cert-bound-auth';
 *
 * @Controller('rates')
 * export class RatesController {
 *   @Get()
 *   @AllowAnonymous()
 *   list(@AccessToken() token?: VerifiedAccessToken) {
 *     return token === undefined ? 'rates for everyone' : `rates for ${token.subject}`;
 *   }
 * }
 * ```
 */
export function AllowAnonymous(): ClassDecorator & MethodDecorator {
  return applyDecorators(state({ kind: 'anonymous' }), describeSecurity, UseGuards(ScopesGuard));
}
