import type { RenderedRefusal } from '../../challenge/challenge.js';
import type { OAuthError } from '../../challenge/oauth-error.js';
import type { ClientCertificateFinding } from '../../client-certificate/client-certificate.js';
import { Exchange } from '../exchange/exchange.js';
import { recordOf } from '../exchange/request-record.js';
import type { TokenEnd } from '../exchange/token-end.js';
import { requestOfCall } from './call-request.js';
import { type GrpcMetadata, grpcCodeOf, type InterceptedCall } from './grpc-api.js';
import type { GrpcCall } from './grpc-call.js';
import { toldOfCall } from './told.js';

/** A call of gRPC: its credentials are in its metadata, its certificate is that of its connection. */
class GrpcExchange extends Exchange {
  constructor(private readonly call: GrpcCall) {
    const { path, metadata, intercepted, app } = call;
    const socket = socketOf(intercepted);
    const request = requestOfCall({
      path,
      rawHeaders: ['host', intercepted.getHost(), ...rawHeadersOf(metadata)],
      socket: socket ?? {},
      context: metadata,
    });
    const record = recordOf(request);
    record.app = app.modules;
    if (socket === undefined) record.givenCertificate = UNKNOWN_CONNECTION;
    super(request, record);
  }

  /** Messages come after the decision. */
  readonly params = undefined;

  /** `package.Service/Method`: only what the server knows comes here. */
  get route(): string {
    return this.call.path.slice(1);
  }

  refuse(error: OAuthError, rendered: RenderedRefusal): Error {
    const { status, message, headers, exception } = toldOfCall(error, rendered);
    const metadata = emptyLike(this.call.metadata);
    for (const [name, value] of Object.entries(headers)) metadata.set(name, value);
    this.call.refusal = { code: grpcCodeOf(status), details: message, metadata };
    return exception;
  }

  endBy(end: TokenEnd): void {
    this.call.endBy(end);
  }

  offerNonce(nonce: string): void {
    this.call.nextNonce = nonce;
  }
}

/** What guards ask about: the same for all that ask. */
export function grpcExchangeOf(call: GrpcCall): Exchange {
  call.exchange ??= new GrpcExchange(call);
  return call.exchange;
}

const UNKNOWN_CONNECTION: ClientCertificateFinding = {
  kind: 'none',
  reason: 'certificate_missing',
  detail: 'the connection of the call is gone, or this version of @grpc/grpc-js does not show it',
};

/**
 * The connection of a call. The public `getAuthContext()` gives a copy of the certificate, which costs 234 µs to make for
 * each call, and does not say which server has accepted it, nor by which CAs.
 */
function socketOf(call: InterceptedCall): object | undefined {
  const { stream } = call as { readonly stream?: { readonly session?: { readonly socket?: object } } };
  return stream?.session?.socket;
}

function rawHeadersOf(metadata: GrpcMetadata): readonly string[] {
  return Object.entries(metadata.toJSON()).flatMap(([name, values]) =>
    values.flatMap((value) => [name, typeof value === 'string' ? value : value.toString('base64')]),
  );
}

/** Metadata of the same package, whichever copy of it the app has. */
export function emptyLike(metadata: GrpcMetadata): GrpcMetadata {
  return new (metadata.constructor as new () => GrpcMetadata)();
}
