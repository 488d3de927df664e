import type { Exchange } from '../exchange/exchange.js';
import type { TokenEnd } from '../exchange/token-end.js';
import type { GrpcMetadata, GrpcStatus, InterceptedCall } from './grpc-api.js';
import type { MessageApp } from './message-app.js';

/** A call of gRPC, from the moment that it comes in. */
export interface GrpcCall {
  readonly kind: 'grpc';
  readonly app: MessageApp;
  /** `/package.Service/Method`. */
  readonly path: string;
  readonly metadata: GrpcMetadata;
  /** As close to the connection as grpc-js lets anybody come. */
  readonly intercepted: InterceptedCall;
  /** Ends it with its token. */
  readonly endBy: (end: TokenEnd) => void;
  /** Lets the messages of its client in, which wait for a decision. */
  readonly letIn: () => void;
  /** What guards ask about; made when the first one asks. */
  exchange: Exchange | undefined;
  /** How it ends, where it has been refused. */
  refusal: GrpcStatus | undefined;
  /** For the client's next proof (RFC 9449 §8.2). */
  nextNonce: string | undefined;
}
