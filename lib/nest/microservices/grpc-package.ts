import { CertBoundAuthConfigurationError, problem } from '../../options/configuration-error.js';

/** What is used of `Server` of `@grpc/grpc-js`: whatever copy of the package Nest has found made it. */
export interface GrpcPackageServer {
  /** Public since 1.11.0, the first version whose interceptors are told all that a decision needs. */
  readonly createConnectionInjector?: unknown;
  forceShutdown(): void;
}

/**
 * Ends a server whose `@grpc/grpc-js` is too old for the door in front of it: before 1.10 it knows no interceptors, and
 * those of 1.10 do not know which host a call is for.
 * @throws CertBoundAuthConfigurationError before the server knows any method, so nobody is served
 */
export function requireInterceptors(server: GrpcPackageServer): void {
  if (typeof server.createConnectionInjector === 'function') return;
  server.forceShutdown();
  const remedy = 'calls of gRPC can be protected from 1.11.0 on: update @grpc/grpc-js';
  throw new CertBoundAuthConfigurationError([problem('@grpc/grpc-js', undefined, remedy)]);
}
