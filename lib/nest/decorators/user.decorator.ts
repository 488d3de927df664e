import { createParamDecorator, type ExecutionContext, type PipeTransform, type Type } from '@nestjs/common';
import type { CertBoundAuthOptions } from '../../cert-bound-auth.options.js';
import type { VerifiedAccessToken } from '../../decision.js';
import { acceptanceOf } from './acceptance-of.js';

/** The user that a `validate` makes of a token: `UserOf<typeof validate>`. */
export type UserOf<Validate extends NonNullable<CertBoundAuthOptions['validate']>> = Awaited<
  ReturnType<Validate>
>;

/** A request that has been let in, for `@Req()`: its user is what `validate` has made, or the token. */
export interface AuthenticatedRequest<User = VerifiedAccessToken> {
  readonly user: User;
}

type Pipe = PipeTransform | Type<PipeTransform>;

/** What {@link createUserDecorator} makes: the user, or one of its members, then pipes. */
export interface UserDecorator<User extends object> {
  (...pipes: readonly Pipe[]): ParameterDecorator;
  (member: Extract<keyof User, string>, ...pipes: readonly Pipe[]): ParameterDecorator;
}

/**
 * Makes a decorator for parameters of handlers, which gives the user that `validate` has made of the token, or a member of it
 * whose name the compiler checks; `undefined` wherever `@AccessToken()` is.
 * @example
 * ```ts
 * // customer.ts
 * import { Controller, Get } from '@nestjs/common';
 * import { createUserDecorator, type UserOf, type VerifiedAccessToken } from 'nestjs-cert-bound-auth';
 *
 * // An option of the module.
 * export async function validate({ subject, claims }: VerifiedAccessToken) {
 *   return { id: String(subject), tenant: String(claims['tenant']) };
 * }
 *
 * type Customer = UserOf<typeof validate>;
 * export const CurrentCustomer = createUserDecorator<Customer>();
 *
 * @Controller('accounts')
 * export class AccountsController {
 *   @Get() list(@CurrentCustomer() customer: Customer) {
 *     return customer.id;
 *   }
 *   @Get('tenant') tenant(@CurrentCustomer('tenant') tenant: string) {
 *     return tenant;
 *   }
 * }
 * ```
 */
export function createUserDecorator<User extends object>(): UserDecorator<User> {
  return createParamDecorator(
    async (member: string | undefined, context: ExecutionContext): Promise<unknown> => {
      const user = (await acceptanceOf(context))?.user;
      return member === undefined ? user : (user as Readonly<Record<string, unknown>> | undefined)?.[member];
    },
  );
}
