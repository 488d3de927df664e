import { createParamDecorator, type ExecutionContext } from '@nestjs/common';
import { routePolicy } from '../demands/route-policy.js';
import { authenticatorOf } from '../exchange/app-registry.js';
import { requireExchange } from '../guards/exchange-of.js';
import type { PresentedCertificate } from '../../client-certificate/presented-certificate.js';

/**
 * The certificate that the client proved on this connection, in a handler's parameter; `undefined` without one
 * that counts: trusted, unless `trust` is `any`, and within its validity.
 * @example
 * ```ts
 * import { Controller, Get } from '@nestjs/common';
 * import { ClientCertificate, type PresentedCertificate } from 'nestjs-cert-bound-auth';
 *
 * @Controller('whoami')
 * export class WhoAmIController {
 *   @Get() get(@ClientCertificate() certificate?: PresentedCertificate) {
 *     return certificate?.subject;
 *   }
 * }
 * ```
 */
export const ClientCertificate = createParamDecorator(
  async (_data: unknown, context: ExecutionContext): Promise<PresentedCertificate | undefined> => {
    const exchange = requireExchange(context);
    const policy = routePolicy(context.getClass(), context.getHandler() as () => unknown);
    return authenticatorOf(exchange).of(policy).certificateOf(exchange.request);
  },
);
