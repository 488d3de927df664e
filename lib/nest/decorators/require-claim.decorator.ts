import type { ClaimPath } from '../../cert-bound-auth.options.js';
import type { ClaimValue } from '../../authorization/demands.js';
import { claimCheck } from '../../authorization/make-demands.js';
import { demand } from './demand.js';

/**
 * Protects a class or a method: a valid bound token is needed in which a claim is one of these values. It is that value
 * itself, a list that has it, or text in which it stands between spaces, as in `scope`; compared with case and by type. Without a
 * value, the claim must be there, and be neither `null`, `false`, empty text nor an empty list.
 * A caller that does not meet it gets 403 without an error code: no other token would help it.
 * @param path its name, or its path: text with dots, or a list of names where a name has dots itself
 * @throws TypeError for an empty path, or a value of another type
 * @example
 * ```ts
 * import { Controller, Delete } from '@nestjs/common';
 * import { RequireClaim } from 'nestjs-cert-bound-auth';
 *
 * @Controller('accounts')
 * export class AccountsController {
 *   @Delete() @RequireClaim('realm_access.roles', 'admin', 'auditor') close() {}
 * }
 * ```
 */
export function RequireClaim(
  path: ClaimPath,
  ...anyOf: readonly ClaimValue[]
): ClassDecorator & MethodDecorator {
  return demand(claimCheck('@RequireClaim', path, anyOf));
}
