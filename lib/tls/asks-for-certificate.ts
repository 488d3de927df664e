import { Server } from 'node:tls';

/** Whether a server asks its clients for a certificate: Node keeps `requestCert` on its TLS servers, HTTP/2 too. */
export function asksForCertificate(server: unknown): server is Server {
  return server instanceof Server && (server as { readonly requestCert?: unknown }).requestCert === true;
}
