import { Agent, request } from 'node:https';
import { json } from 'node:stream/consumers';
import type { TestCertificate } from 'nestjs-cert-bound-auth/testing';
import { whenOver, type World } from '../support/world.js';

/** What an API has answered. */
export interface Response {
  readonly status: number;
  readonly challenge: string;
  /** JSON. */
  readonly body: unknown;
}

/** A request, and the certificate of the connection that it is sent over. */
export interface Request {
  readonly method: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly certificate: TestCertificate | undefined;
  /** Sent as JSON. */
  readonly content?: object;
}

export type HttpsClient = (request: Request) => Promise<Response>;

/** A client with one connection for each certificate: thousands of requests are sent in a few seconds. */
export function httpsClient({ ca }: World, port: number): HttpsClient {
  const agents = new Map<TestCertificate | undefined, Agent>();
  whenOver(async () => agents.forEach((agent) => agent.destroy()));
  const agentOf = (certificate: TestCertificate | undefined): Agent => {
    const own = certificate === undefined ? {} : { key: certificate.key, cert: certificate.cert };
    const agent =
      agents.get(certificate) ??
      new Agent({ keepAlive: true, maxSockets: 1, ca: ca.cert, servername: 'localhost', ...own });
    agents.set(certificate, agent);
    return agent;
  };
  return async ({ certificate, ...sent }) => send(port, agentOf(certificate), sent);
}

async function send(
  port: number,
  agent: Agent,
  { method, path, headers, content }: Omit<Request, 'certificate'>,
): Promise<Response> {
  const type = content === undefined ? {} : { 'content-type': 'application/json' };
  return new Promise((resolve, reject) => {
    const sent = request(
      { host: '127.0.0.1', port, agent, method, path, headers: { ...headers, ...type } },
      (response) => {
        const challenge = response.headers['www-authenticate'] ?? '';
        json(response).then((body) => resolve({ status: response.statusCode ?? 0, challenge, body }), reject);
      },
    );
    sent.on('error', reject);
    sent.end(content === undefined ? undefined : JSON.stringify(content));
  });
}
