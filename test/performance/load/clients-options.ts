import type { ClientIdentity } from './certificate.js';

/** Clients of one server. */
export interface ClientsOptions {
  readonly name: string;
  readonly port: number;
  readonly identity: ClientIdentity;
  /** How many at once. */
  readonly connections: number;
  readonly connection: ConnectionKind;
  /** File of the credentials that they send. */
  readonly credentials: string;
  /** How many of them, from the first on. */
  readonly count: number;
  readonly path: string;
}

/** `close`: a new connection for each request. `ws`, `grpc`: messages and calls over connections that are kept. */
export type ConnectionKind = 'keep-alive' | 'close' | 'ws' | 'grpc';
