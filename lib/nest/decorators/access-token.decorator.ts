import { createParamDecorator, type ExecutionContext, type PipeTransform, type Type } from '@nestjs/common';
import type { VerifiedAccessToken } from '../../decision.js';
import { authenticatorOf } from '../exchange/app-registry.js';
import { requireExchange } from '../guards/exchange-of.js';
import { routePolicy } from '../demands/route-policy.js';

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
    const token = await tokenOf(context);
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

async function tokenOf(context: ExecutionContext): Promise<VerifiedAccessToken | undefined> {
  const policy = routePolicy(context.getClass(), context.getHandler() as () => unknown);
  if (policy.kind === 'public' && policy.by === 'method') return undefined;
  const exchange = requireExchange(context);
  const authenticator = authenticatorOf(exchange);
  if (!authenticator.hasDecided(exchange)) {
    if (policy.kind === 'protected' && policy.anonymous && authenticator.admitsAnonymous(exchange))
      return undefined;
    if (policy.kind === 'public') return undefined;
    return (await authenticator.require(exchange, policy)).token;
  }
  const decision = await authenticator.decide(exchange);
  // Stryker disable next-line ConditionalExpression: what is refused has no token, only its type wants to be asked
  return decision.outcome === 'accepted' ? decision.token : undefined;
}
