import { X509Certificate } from 'node:crypto';
import { Readable } from 'node:stream';
import type { MessageCredentials } from '../../cert-bound-auth.options.js';
import type { RenderedRefusal } from '../../challenge/challenge.js';
import type { OAuthError } from '../../challenge/oauth-error.js';
import {
  certificateOn,
  type ClientCertificateFinding,
  type Connection,
  describeX509,
} from '../../client-certificate/client-certificate.js';
import { Exchange } from '../exchange/exchange.js';
import { type HttpRequest, rawRequestOf } from '../../request/http-request.js';
import { recordOf } from '../exchange/request-record.js';
import type { TokenEnd } from '../exchange/token-end.js';
import { requestOfCall } from './call-request.js';
import type { TransportCall } from './message-call.js';
import { toldOfCall } from './told.js';
import { VOUCHED_FOR } from '../../client-certificate/chain/chain-verdict.js';

/**
 * A message that came by TCP, or through a broker: the app's own function finds its credentials. A transport that serves
 * requests of HTTP, as that of MCP, hands on the request: then that is what is decided about, once for all that it brings.
 */
export class TransportExchange extends Exchange {
  constructor(
    private readonly call: TransportCall,
    /** `Class.method`. */
    readonly route: string,
  ) {
    const { request, record } = sentBy(call);
    super(request, record);
  }

  get params(): unknown {
    return this.call.data;
  }

  refuse(error: OAuthError, rendered: RenderedRefusal): Error {
    const { status, error: code, message, headers, exception } = toldOfCall(error, rendered);
    this.call.refusal = { status: 'error', statusCode: status, error: code, message, headers };
    return exception;
  }

  endBy(end: TokenEnd): void {
    this.call.tokenEnd = end;
  }

  /** Proofs are not taken from messages: there is nobody to tell. */
  offerNonce(): void {
    return undefined;
  }
}

type SentBy = Pick<Exchange, 'request' | 'record'>;

/** Where the credentials of a message are looked for. */
function sentBy(call: TransportCall): SentBy {
  const { app, context, data } = call;
  const credentials = app.settings.findCredentials?.(context, data);
  const carried = credentials === undefined ? requestIn(context) : undefined;
  if (carried === undefined) return standingFor(call, credentials);
  const record = recordOf(carried);
  record.app ??= app.modules;
  return { request: carried, record };
}

function standingFor({ app, context }: TransportCall, credentials: MessageCredentials | undefined): SentBy {
  const socket = socketOf(context);
  const request = requestOfCall({
    path: '/',
    rawHeaders: credentials === undefined ? [] : ['authorization', credentials.authorization],
    socket: socket ?? {},
    context,
  });
  const record = recordOf(request);
  record.app = app.modules;
  record.givenCertificate = certificateOf(credentials, socket);
  return { request, record };
}

/** The request of HTTP that brought a message, as `McpContext` has it: Node's own, or that of Express or Fastify around it. */
function requestIn(context: object): (HttpRequest & { user?: unknown }) | undefined {
  const { getRawRequest } = context as { getRawRequest?: () => unknown };
  const request = getRawRequest?.call(context) as HttpRequest | null | undefined;
  if (typeof request !== 'object' || request === null) return undefined;
  // A stream, with the headers that Node has read: nothing that a caller could write into a message.
  return rawRequestOf(request) instanceof Readable && 'rawHeaders' in rawRequestOf(request)
    ? request
    : undefined;
}

const NO_CONNECTION: ClientCertificateFinding = {
  kind: 'none',
  reason: 'certificate_missing',
  detail: 'a message of this transport shows no certificate of its sender',
};

/** What the app answers for counts; else what the connection has shown. */
function certificateOf(
  credentials: MessageCredentials | undefined,
  socket: Connection | undefined,
): ClientCertificateFinding {
  if (credentials?.certificate !== undefined) {
    const certificate = describeX509(new X509Certificate(credentials.certificate), () => VOUCHED_FOR);
    return { kind: 'found', certificate };
  }
  return socket === undefined ? NO_CONNECTION : certificateOn(socket);
}

/** The connection that a message of TCP came on: `TcpContext` has a socket of Nest's around it. */
function socketOf(context: object): Connection | undefined {
  const { getSocketRef } = context as { getSocketRef?: () => { readonly socket?: Connection } };
  return getSocketRef?.call(context).socket;
}
