import type { IncomingHttpHeaders } from 'node:http';
import { request } from 'node:https';

/** A client certificate and its key (PEM). */
export interface ClientCertificate {
  readonly cert: string;
  readonly key: string;
}

/** A request of the demo. */
export interface HttpsRequest {
  readonly ca: string;
  readonly certificate?: ClientCertificate | undefined;
  readonly method?: 'GET' | 'POST';
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
}

export interface HttpsResponse {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

const TIMEOUT = 10_000;

/** Makes a request on a connection of its own: a client certificate belongs to a connection. */
export async function httpsRequest(url: string, options: HttpsRequest): Promise<HttpsResponse> {
  const { ca, certificate, method = 'GET', headers = {}, body } = options;
  return new Promise((resolve, reject) => {
    const call = request(
      url,
      { ca, ...certificate, method, headers, agent: false, timeout: TIMEOUT },
      (response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.on('error', reject);
        response.on('end', () => {
          const text = Buffer.concat(chunks).toString('utf8');
          resolve({ status: response.statusCode ?? 0, headers: response.headers, body: text });
        });
      },
    );
    call.on('timeout', () => call.destroy(new Error(`${url} did not answer in time`)));
    call.on('error', reject);
    call.end(body);
  });
}
