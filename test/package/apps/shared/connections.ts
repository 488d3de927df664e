import { connect } from 'node:http2';
import type { IncomingHttpHeaders } from 'node:http';
import { Agent, request } from 'node:https';
import type { Protocol } from './platforms.js';
import type { Answer } from './request-table.js';

/** A request as it goes out. */
export interface OutgoingRequest {
  readonly method: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
}

/** One TLS connection: it fails rather than open a second one. */
export interface Connection {
  send(requests: readonly OutgoingRequest[]): Promise<readonly Answer[]>;
  close(): Promise<void>;
}

/** What a client brings into the handshake. */
export interface ClientTls {
  readonly ca: string;
  readonly key?: string;
  readonly cert?: string;
}

export async function openConnection(protocol: Protocol, url: string, tls: ClientTls): Promise<Connection> {
  return protocol === 'h2' ? openHttp2(url, tls) : openHttp1(url, tls);
}

function openHttp1(url: string, tls: ClientTls): Connection {
  const agent = new Agent({ ...tls, keepAlive: true, maxSockets: 1 });
  return {
    async send(requests) {
      const answers: Answer[] = [];
      for (const outgoing of requests)
        answers.push(await sendHttp1(url, agent, outgoing, answers.length > 0));
      return answers;
    },
    async close() {
      agent.destroy();
      return Promise.resolve();
    },
  };
}

async function sendHttp1(
  url: string,
  agent: Agent,
  { method, path, headers }: OutgoingRequest,
  onOpenConnection: boolean,
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const outgoing = request(`${url}${path}`, { agent, method, headers }, (response) => {
      if (outgoing.reusedSocket !== onOpenConnection) reject(new Error('the connection was not kept open'));
      if (response.httpVersion !== '1.1') reject(new Error(`answered with HTTP/${response.httpVersion}`));
      textOf(response).then(
        (text) => resolve(answerOf(response.statusCode ?? 0, response.headers, text)),
        reject,
      );
    });
    outgoing.on('error', reject).end();
  });
}

async function openHttp2(url: string, tls: ClientTls): Promise<Connection> {
  const session = connect(url, tls);
  await new Promise((resolve, reject) => session.once('connect', resolve).once('error', reject));
  if (session.alpnProtocol !== 'h2') throw new Error(`negotiated ${session.alpnProtocol}`);
  const send = async ({ method, path, headers }: OutgoingRequest): Promise<Answer> => {
    const stream = session.request({ ':method': method, ':path': path, ...headers });
    const responded = new Promise<IncomingHttpHeaders & { ':status'?: number }>((resolve, reject) => {
      stream.once('response', resolve).once('error', reject).end();
    });
    const answered = await responded;
    return answerOf(answered[':status'] ?? 0, answered, await textOf(stream));
  };
  return {
    send: async (requests) => Promise.all(requests.map(send)),
    close: async () => new Promise((resolve) => session.close(resolve)),
  };
}

async function textOf(stream: AsyncIterable<Buffer>): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream) chunks.push(chunk);
  return Buffer.concat(chunks).toString();
}

function answerOf(status: number, headers: IncomingHttpHeaders, text: string): Answer {
  const allowOrigin = headers['access-control-allow-origin'];
  const exposeHeaders = headers['access-control-expose-headers'];
  return {
    status,
    challenge: headers['www-authenticate'] ?? null,
    body: text.startsWith('{') ? (JSON.parse(text) as unknown) : text,
    ...(allowOrigin === undefined ? {} : { allowOrigin }),
    ...(exposeHeaders === undefined ? {} : { exposeHeaders }),
  };
}
