import { request as requestHttp, type IncomingHttpHeaders } from 'node:http';
import { request as requestTls } from 'node:https';
import type { TLSSocket } from 'node:tls';

/** What is sent beside a URL, and who sends it. */
export interface Ask {
  readonly headers?: Readonly<Record<string, string>>;
  /** CAs of the server's certificate, PEM. @default those of Node */
  readonly ca: string | undefined;
  /** What the client proves itself by. */
  readonly client: { readonly cert: string; readonly key: string } | undefined;
  readonly signal: AbortSignal;
}

/** What came of it. */
export type Asked =
  | {
      readonly kind: 'answered';
      readonly status: number;
      readonly headers: IncomingHttpHeaders;
      readonly body: string;
      /** When half of the exchange was over; milliseconds since the epoch. */
      readonly at: number;
      /** Milliseconds that it took. */
      readonly took: number;
    }
  /** The server ended the connection where a certificate is looked at. */
  | { readonly kind: 'refused'; readonly problem: string }
  | { readonly kind: 'failed'; readonly problem: string };

/** Bytes of an answer: no document that is read here has more. */
const MOST_BYTES = 262_144;

/** Sends one GET, on a connection of its own. It follows no redirect, and sends nothing to a server that is not trusted. */
export async function ask(url: URL, { headers = {}, ca, client, signal }: Ask): Promise<Asked> {
  const begun = Date.now();
  const request = url.protocol === 'http:' ? requestHttp : requestTls;
  return new Promise((resolve) => {
    let agreed = false;
    const fail = (error: NodeJS.ErrnoException): void => resolve(failure(error, agreed));
    request(
      url,
      {
        agent: false,
        headers: { accept: 'application/json, */*', ...headers },
        ...(ca === undefined ? {} : { ca }),
        ...client,
        signal,
        // Explicit, so that NODE_TLS_REJECT_UNAUTHORIZED=0 has no say here.
        rejectUnauthorized: true,
      },
      (response) => {
        const chunks: Buffer[] = [];
        let size = 0;
        response.on('data', (chunk: Buffer) => {
          size += chunk.length;
          if (size > MOST_BYTES) response.destroy(new Error(`more than ${MOST_BYTES} bytes`));
          chunks.push(chunk);
        });
        response.on('error', fail);
        response.on('end', () => {
          const took = Date.now() - begun;
          const { statusCode: status = 0 } = response;
          const body = Buffer.concat(chunks).toString();
          resolve({ kind: 'answered', status, headers: response.headers, body, at: begun + took / 2, took });
        });
      },
    )
      .on('socket', (socket) => {
        (socket as TLSSocket).once('secureConnect', () => {
          agreed = true;
        });
      })
      .on('error', fail)
      .end();
  });
}

/** TLS 1.3 lets a client send before its certificate is looked at: what is cut after that was cut for it, or by a fault. */
function failure({ code, message }: NodeJS.ErrnoException, agreed: boolean): Asked {
  const problem = code === undefined ? message : `${code}: ${message}`;
  const isAlert = code?.includes('_ALERT_') === true;
  const isCut = agreed && (code === 'ECONNRESET' || code === 'EPIPE');
  return { kind: isAlert || isCut ? 'refused' : 'failed', problem };
}
