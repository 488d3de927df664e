import { createParamDecorator, type ExecutionContext, type PipeTransform, type Type } from '@nestjs/common';
import type { VerifiedAccessToken } from '../../decision.js';
import { acceptanceOf } from './acceptance-of.js';

/** Every member of a {@link VerifiedAccessToken}: the compiler refuses one that is forgotten. */
const MEMBERS: Readonly<Record<keyof VerifiedAccessToken, true>> = {
  issuer: true,
  subject: true,
  clientId: true,
  audience: true,
  scopes: true,
  scope: true,
  issuedAt: true,
  expiresAt: true,
  tokenId: true,
  confirmation: true,
  boundBy: true,
  claims: true,
  raw: true,
};

const fromContext = createParamDecorator(
  async (member: keyof VerifiedAccessToken | undefined, context: ExecutionContext): Promise<unknown> => {
    const token = (await acceptanceOf(context))?.token;
    return member === undefined ? token : token?.[member];
  },
);

/**
 * The verified access token of the request, in a handler's parameter, or one of its members; `undefined` on a public route,
 * and where another strategy let the request in. On a route that nothing protects, it demands a token like a guard.
 * @param member the member that is wanted. Default: the whole token
 * @param pipes what the value goes through
 * @throws TypeError for the name of no member
 * @example
 * ```ts
 * import { Controller, Get } from '@nestjs/common';
 * import { AccessToken, type VerifiedAccessToken } from 'nestjs-cert-bound-auth';
 *
 * @Controller('accounts')
 * export class AccountsController {
 *   @Get() list(@AccessToken() token: VerifiedAccessToken) {
 *     return { accountsOf: token.subject, through: token.clientId };
 *   }
 *   @Get('mine') mine(@AccessToken('subject') subject: string) {
 *     return { accountsOf: subject };
 *   }
 * }
 * ```
 */
export function AccessToken(member: keyof VerifiedAccessToken, ...pipes: readonly Pipe[]): ParameterDecorator;
export function AccessToken(...pipes: readonly Pipe[]): ParameterDecorator;
export function AccessToken(
  ...memberAndPipes: readonly (keyof VerifiedAccessToken | Pipe)[]
): ParameterDecorator {
  const [member] = memberAndPipes;
  if (typeof member === 'string' && !Object.hasOwn(MEMBERS, member)) {
    throw new TypeError(`@AccessToken('${member}'): a token has ${Object.keys(MEMBERS).join(', ')}`);
  }
  return fromContext(...memberAndPipes);
}

type Pipe = PipeTransform | Type<PipeTransform>;
