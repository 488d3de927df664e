import type { DetailMatcher, DetailRequirement } from '../../authorization/demands.js';
import { detailsCheck } from '../../authorization/make-demands.js';
import { demand } from './demand.js';

/**
 * Protects a class or a method: one entry of `authorization_details` of this type must cover the call (RFC 9396). Entries are
 * never put together: each is a grant of its own.
 * Given common fields, an entry covers the call that has all of them. What else stands in it may be a restriction, so an entry with
 * a field that is not named here covers nothing; where it has `locations`, one of them must be an audience of the token.
 * Given a function, the app answers for the whole of the entry: amounts are text, see `isAmountWithin`.
 * A caller that does not meet it gets 403 with `insufficient_scope`.
 * @param type compared with case
 * @throws TypeError without a type, or for anything but the common fields or a function
 * @example
 * ```ts
 * import { Controller, Get, Post } from '@nestjs/common';
 * import { AuthorizationDetails, isAmountWithin } from 'nestjs-cert-bound-auth';
 *
 * interface Payment {
 *   readonly instructedAmount: { readonly currency: string; readonly amount: string };
 * }
 *
 * @Controller('payments')
 * export class PaymentsController {
 *   @Get() @AuthorizationDetails('account_information', { actions: ['read_balances'] }) balances() {}
 *   @Post()
 *   @AuthorizationDetails('payment_initiation', (detail, { request }) => {
 *     const { instructedAmount: granted } = detail as unknown as Payment;
 *     const { body } = request as { readonly body: Payment };
 *     return (
 *       body.instructedAmount.currency === granted.currency &&
 *       isAmountWithin(body.instructedAmount.amount, granted.amount)
 *     );
 *   })
 *   pay() {}
 * }
 * ```
 */
export function AuthorizationDetails(
  type: string,
  requirement: DetailRequirement | DetailMatcher,
): ClassDecorator & MethodDecorator {
  return demand(detailsCheck('@AuthorizationDetails', type, requirement));
}
