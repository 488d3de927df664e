import type { AuthenticationRequirement } from '../../authorization/demands.js';
import { authenticationCheck } from '../../authorization/make-demands.js';
import { demand } from './demand.js';

/**
 * Protects a class or a method: the user must have authenticated in one of these ways (`acr`), or not too long ago (`auth_time`),
 * or both (RFC 9470). A caller that does not meet it gets 401 with `insufficient_user_authentication`, `acr_values` and
 * `max_age`, by which a client can ask its user to authenticate again; with the scopes, where those are missing as well. A
 * token of no user gets 403. Class and method hold together: the values that both name, and the shorter age.
 * @throws TypeError without a requirement, for a value that no challenge can hold, and for an age below 10 seconds
 * @example
 * ```ts
 * import { Controller, Post } from '@nestjs/common';
 * import { AuthenticationContext } from 'nestjs-cert-bound-auth';
 *
 * @Controller('transfers')
 * export class TransfersController {
 *   @Post() @AuthenticationContext({ acrValues: ['urn:example:sca'], maxAge: 300 }) transfer() {}
 * }
 * ```
 */
export function AuthenticationContext(
  requirement: AuthenticationRequirement,
): ClassDecorator & MethodDecorator {
  return demand(authenticationCheck('@AuthenticationContext()', requirement));
}
