import { type IncomingHttpHeaders, type OutgoingHttpHeaders, request, type RequestOptions } from 'node:http';

/** What a server answered. */
export interface HttpAnswer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

/** What is sent; a header may be sent several times. */
export interface HttpCall {
  readonly method?: string;
  readonly path: string;
  readonly headers?: OutgoingHttpHeaders;
  readonly body?: string;
}

/** Sends a request by plain HTTP, as a proxy does, letter by letter. @param where a port of 127.0.0.1, or a socket */
export async function call(
  where: Pick<RequestOptions, 'port' | 'socketPath'>,
  sent: HttpCall,
): Promise<HttpAnswer> {
  const { method = 'GET', path, headers = {}, body } = sent;
  return new Promise((resolve, reject) => {
    const outgoing = request({ host: '127.0.0.1', ...where, method, path, headers, agent: false });
    outgoing.on('error', reject).on('response', (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
      response.on('error', reject);
      response.on('end', () =>
        resolve({ status: response.statusCode ?? 0, headers: response.headers, body: text }),
      );
    });
    outgoing.end(body);
  });
}
