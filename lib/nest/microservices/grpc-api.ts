/** What is used of `Metadata` of `@grpc/grpc-js`: none of the package is loaded from here. */
export interface GrpcMetadata {
  set(key: string, value: string): void;
  clone(): GrpcMetadata;
  toJSON(): Readonly<Record<string, readonly (string | Buffer)[]>>;
}

/** How a call ends. */
export interface GrpcStatus {
  readonly code: number;
  readonly details: string;
  readonly metadata: GrpcMetadata | null;
}

/** What hears of a call as it comes in. */
export interface GrpcListener {
  onReceiveMetadata(metadata: GrpcMetadata): void;
  onReceiveMessage(message: unknown): void;
  onReceiveHalfClose(): void;
  onCancel(): void;
}

/** What is used of `ServerInterceptingCallInterface`. */
export interface InterceptedCall {
  start(listener: GrpcListener): void;
  sendMessage(message: unknown, callback: () => void): void;
  sendStatus(status: GrpcStatus): void;
  startRead(): void;
  getHost(): string;
}

/** What is used of `ServerMethodDefinition`. */
export interface GrpcMethod {
  readonly path: string;
  readonly requestStream: boolean;
  readonly responseStream: boolean;
}

/** `ServerInterceptor`. */
export type GrpcInterceptor = (method: GrpcMethod, call: InterceptedCall) => InterceptedCall;

/** The codes of gRPC that this module answers with. */
export const GRPC = {
  ok: 0,
  permissionDenied: 7,
  resourceExhausted: 8,
  internal: 13,
  unavailable: 14,
  unauthenticated: 16,
} as const;

/** The code of gRPC for a status of HTTP. */
export function grpcCodeOf(status: number): number {
  switch (status) {
    case 403:
      return GRPC.permissionDenied;
    case 429:
      return GRPC.resourceExhausted;
    case 503:
      return GRPC.unavailable;
    default:
      return GRPC.unauthenticated;
  }
}
