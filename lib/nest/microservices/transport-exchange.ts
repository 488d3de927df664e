import { X509Certificate } from 'node:crypto';
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
import { recordOf } from '../exchange/request-record.js';
import { requestOfCall } from './call-request.js';
import type { TransportCall } from './message-call.js';
import { toldOfCall } from './told.js';

/** A message that came by TCP, or through a broker: the app's own function finds its credentials. */
export class TransportExchange extends Exchange {
  constructor(
    private readonly call: TransportCall,
    /** `Class.method`. */
    readonly route: string,
  ) {
    const { app, context, data } = call;
    const credentials = app.settings.findCredentials?.(context, data);
    const socket = socketOf(context);
    const request = requestOfCall({
      path: '/',
      rawHeaders: credentials === undefined ? [] : ['authorization', credentials.authorization],
      socket: socket ?? {},
      context,
    });
    const record = recordOf(request);
    record.app = app.modules;
    record.certificate = certificateOf(credentials, socket);
    super(request, record);
  }

  refuse(error: OAuthError, rendered: RenderedRefusal): Error {
    const { status, error: code, message, headers, exception } = toldOfCall(error, rendered);
    this.call.refusal = { status: 'error', statusCode: status, error: code, message, headers };
    return exception;
  }

  endBy(validUntil: number): void {
    this.call.validUntil = validUntil;
  }

  /** Proofs are not taken from messages: there is nobody to tell. */
  offerNonce(): void {
    return undefined;
  }
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
    const certificate = describeX509(new X509Certificate(credentials.certificate), () => undefined);
    return { kind: 'found', certificate };
  }
  return socket === undefined ? NO_CONNECTION : certificateOn(socket);
}

/** The connection that a message of TCP came on: `TcpContext` has a socket of Nest's around it. */
function socketOf(context: object): Connection | undefined {
  const { getSocketRef } = context as { getSocketRef?: () => { readonly socket?: Connection } };
  return getSocketRef?.call(context).socket;
}
