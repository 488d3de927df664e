import { type IncomingHttpHeaders, type OutgoingHttpHeaders } from 'node:http';
import { request } from 'node:https';
import type { TestCertificate } from 'nestjs-cert-bound-auth/testing';
import type { World } from '../../support/world.js';

/** A request of a client of the proxy. */
export interface ClientCall {
  readonly method?: string;
  readonly path?: string;
  readonly headers?: OutgoingHttpHeaders;
  readonly body?: string;
  /** @default none */
  readonly certificate?: TestCertificate | undefined;
}

/** What the client was answered. */
export interface ClientAnswer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

/** Calls an API through the proxy on this port, by its public name. */
export async function callThrough(
  port: number,
  { ca }: World,
  { method = 'GET', path = '/', headers = {}, body, certificate }: ClientCall,
): Promise<ClientAnswer> {
  const name = 'api.example.com';
  const tls = {
    ca: ca.cert,
    ...(certificate === undefined ? {} : { key: certificate.key, cert: certificate.cert }),
  };
  return new Promise((resolve, reject) => {
    const outgoing = request({
      ...tls,
      host: '127.0.0.1',
      port,
      servername: name,
      method,
      path,
      headers: { host: name, ...headers },
      agent: false,
    });
    outgoing.on('error', reject).on('response', (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
      response.on('error', reject);
      response.on('end', () =>
        resolve({ status: response.statusCode ?? 0, headers: response.headers, body: text }),
      );
    });
    outgoing.on('upgrade', ({ statusCode: status = 0, headers: answered }, socket) => {
      socket.destroy();
      resolve({ status, headers: answered, body: '' });
    });
    outgoing.end(body);
  });
}
