import { Injectable } from '@nestjs/common';
import { NO_DEMANDS } from '../authorization/demands.js';
import type { Explanation } from '../explain/explanation.js';
import type { ResourceServer } from '../resource-server.js';
import type { PolicyServers } from './exchange/app-authenticator.js';

/**
 * Says what this app decides about a request, check by check: the same as the command `explain`, with the certificate, the
 * nonces and the servers of the app. It is for developers: who may ask learns which check a stolen token fails.
 * @example
 * ```ts
 * import { Controller, Get, Module, Req } from '@nestjs/common';
 * import { AccessExplainer, type Explanation, Public } from 'nestjs-cert-bound-auth';
 *
 * @Controller('why')
 * @Public()
 * class WhyController {
 *   constructor(private readonly explainer: AccessExplainer) {}
 *
 *   @Get() why(@Req() request: object): Promise<Explanation> {
 *     return this.explainer.explain(request);
 *   }
 * }
 *
 * @Module({ controllers: process.env['NODE_ENV'] === 'development' ? [WhyController] : [] })
 * export class WhyModule {}
 * ```
 */
@Injectable()
export class AccessExplainer {
  constructor(
    private readonly own: ResourceServer,
    private readonly policies: PolicyServers,
  ) {}

  /**
   * Explains a request, as if it had come to a route that demands nothing more than a token. No `jti` and no ticket is used up, and
   * nothing is reported. Servers are asked as for any request, and so is `validate`. The cookie of a session is explained up to the token in it.
   * @param request of Express or Fastify
   * @param policy its rules, in the place of the module's own
   * @throws Error where the app has no such policy
   */
  async explain(request: object, policy?: string): Promise<Explanation> {
    const server = policy === undefined ? this.own : this.policies.get(policy);
    if (server === undefined)
      throw new Error(`AccessExplainer: there is no policy ${JSON.stringify(policy)}`);
    // What explains is needed by few apps, and seldom.
    const { explainRequest } = await import('../explain/explain-request.js');
    return explainRequest(request, {
      rules: server.decidesBy,
      demands: NO_DEMANDS,
      mayAsk: true,
      seesChains: true,
      knowsNonces: true,
    });
  }
}
