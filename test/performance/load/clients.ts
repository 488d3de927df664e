import { CallPool, type Caller } from './call-pool.js';
import type { ClientsOptions } from './clients-options.js';
import type { Credentials } from './credentials-file.js';
import { GrpcCaller } from './grpc-caller.js';
import { KeepAlivePool } from './keep-alive-pool.js';
import { NewConnections } from './new-connections.js';
import type { RequestList } from './request-list.js';
import { WebSocketCaller } from './web-socket-caller.js';

/** The clients of one server. */
export interface Clients {
  /** Sends the requests of a list. @returns how many were answered */
  run(requests: RequestList): Promise<number>;
  close(): void;
}

/** Makes clients. Those of a gateway and of gRPC all send the first of the credentials. */
export function clientsOf(
  { port, identity, connections, connection, path }: ClientsOptions,
  [first]: readonly Credentials[],
): Clients {
  const token = first?.token ?? '';
  const pool = (make: () => Caller): CallPool =>
    new CallPool(Array.from({ length: connections }, () => make()));
  switch (connection) {
    case 'keep-alive':
      return new KeepAlivePool(port, connections, identity);
    case 'close':
      return new NewConnections(port, connections, identity);
    case 'ws':
      return pool(() => new WebSocketCaller(port, path, token, identity));
    case 'grpc':
      return pool(() => new GrpcCaller(port, token, identity));
  }
}
