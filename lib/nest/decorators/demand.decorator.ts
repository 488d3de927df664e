import { type DemandCheck, type DemandRemedy, isScope } from '../../authorization/demands.js';
import { demand } from './demand.js';

/**
 * Protects a class or a method by a check of the app's own, after all others: a valid bound token is needed, and the check must
 * return `true`; a promise is waited for. It gets a token of its own to read, the request, and the parameters of the route,
 * the arguments of a field, or the content of a message.
 * A caller that does not meet it gets 403 without an error code; with `challenge`, it is told which scopes, or which
 * authentication of its user, would be enough. An `HttpException` that the check throws decides how the caller is answered: a
 * `NotFoundException` hides what is not the caller's. Any other error refuses as well, and the log has it as a warning.
 * @param options.challenge what other credentials would be enough @default none
 * @throws TypeError where the check is no function, or a scope is none
 * @example
 * ```ts
 * import { Controller, Get } from '@nestjs/common';
 * import { Demand } from 'nestjs-cert-bound-auth';
 *
 * @Controller('customers/:id')
 * export class CustomersController {
 *   @Get()
 *   @Demand(({ subject }, { params }) => (params as { readonly id: string }).id === subject)
 *   show() {}
 * }
 * ```
 */
export function Demand(
  check: DemandCheck,
  { challenge }: { readonly challenge?: DemandRemedy } = {},
): ClassDecorator & MethodDecorator {
  if (typeof check !== 'function') throw new TypeError('@Demand() needs a function');
  if (challenge?.scope?.every((scope) => isScope(scope)) === false)
    throw new TypeError('@Demand(): challenge.scope is a list of scopes (RFC 6749 §3.3)');
  return demand({ kind: 'own', check, remedy: challenge });
}
