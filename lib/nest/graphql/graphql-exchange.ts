import type { ExecutionContext } from '@nestjs/common';
import type { RenderedRefusal } from '../../challenge/challenge.js';
import type { OAuthError } from '../../challenge/oauth-error.js';
import { connectionOf } from '../../client-certificate/client-certificate.js';
import { Exchange } from '../exchange/exchange.js';
import type { OpenResponses } from '../exchange/open-responses.js';
import { forgetDecision } from '../exchange/request-record.js';
import type { TokenEnd } from '../exchange/token-end.js';
import { type HttpResponse, refuse, setNonce } from '../http/refuse.js';
import { answerSession } from '../http/session-cookie.js';
import { toldOfCall } from '../microservices/told.js';
import { callOfContext, type GraphQLCall } from './graphql-call.js';
import { codeOf, GraphQLRefusedException, type RefusalExtensions } from './graphql-refusal.exception.js';

/** A field of an operation: its credentials are those of the request, or of the handshake, that it came by. */
export class GraphQLExchange extends Exchange {
  constructor(
    private readonly call: GraphQLCall,
    /** `Type.field`, or `Class.method`. */
    readonly route: string,
    readonly params: unknown,
  ) {
    super(call.request, call.record);
  }

  refuse(error: OAuthError, rendered: RenderedRefusal, by: object): Error {
    const told = toldOfCall(error, rendered);
    // The first field that is refused speaks for all: one challenge for each response.
    if (this.call.response !== undefined && !this.call.refusalTold)
      refuse(error, rendered, this.call.response);
    this.call.refusalTold = true;
    if (told.status === 503) this.forgetHandshake(by);
    return new GraphQLRefusedException(told, error, this.extensionsOf(error, told.status));
  }

  /** An outage says nothing of the handshake: the next operation asks anew. */
  private forgetHandshake(by: object): void {
    if (this.record.handshake !== undefined) forgetDecision(this.record.handshake, by);
  }

  private extensionsOf({ refusal }: OAuthError, status: number): RefusalExtensions {
    const { app, response } = this.call;
    const isOwn = status === refusal.status;
    return {
      code: codeOf(status),
      ...(isOwn && refusal.code !== undefined ? { error: refusal.code } : {}),
      ...(isOwn && refusal.code === 'insufficient_scope' ? { scopes: refusal.scope } : {}),
      // Others would show it to their clients.
      ...(response !== undefined && app.isApollo ? { http: { status } } : {}),
    };
  }

  endBy(end: TokenEnd, responses: OpenResponses): void {
    this.call.tokenEnd = end;
    const { response, record } = this.call;
    if (response !== undefined) responses.keep(connectionOf(record.raw), rawOf(response), end);
  }

  offerNonce(nonce: string): void {
    if (this.call.response !== undefined) setNonce(this.call.response, nonce);
  }

  override answerSession(cookie: string | undefined): void {
    if (this.call.response !== undefined) answerSession(this.call.response, cookie);
  }
}

function rawOf(response: HttpResponse): Exclude<HttpResponse, { readonly raw: unknown }> {
  return 'raw' in response ? response.raw : response;
}

/** The exchange of a resolver; `undefined` for an operation of which nobody knows what it was sent by. */
export function graphqlExchangeOf(context: ExecutionContext): Exchange | undefined {
  // (source, arguments, context, info); without arguments for a reference of federation.
  const args: unknown = context.getArgByIndex(1);
  const call = callOfContext(context.getArgByIndex(2)) ?? callOfContext(args);
  if (call === undefined) return undefined;
  return new GraphQLExchange(call, `${context.getClass().name}.${context.getHandler().name}`, args);
}
