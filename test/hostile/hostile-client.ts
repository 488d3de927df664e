import type { IncomingMessage } from 'node:http';
import { Agent, request as httpsRequest } from 'node:https';
import type { TestCertificate } from 'nestjs-cert-bound-auth/testing';
import type { HostileRequest } from './request.js';

/** What came back. */
export interface HostileResponse {
  readonly status: number;
  /** Name, value, name, value, as they came. */
  readonly rawHeaders: readonly string[];
  readonly body: string;
}

/** Sends rows over real TLS, with connections that are kept, one agent for each certificate. */
export class HostileClient {
  private readonly agents = new Map<TestCertificate | 'none', Agent>();

  /** @param ca the CA of the API's certificate, PEM */
  constructor(private readonly ca: string) {}

  async send(port: number, request: HostileRequest): Promise<HostileResponse> {
    const agent = this.agentOf(request.certificate);
    return new Promise((resolve, reject) => {
      const outgoing = httpsRequest(
        {
          agent,
          port,
          host: '127.0.0.1',
          servername: 'localhost',
          method: methodOf(request),
          path: targetOf(request),
          headers: rawHeadersOf(request, port),
        },
        (response) => void receive(response).then(resolve, reject),
      );
      outgoing.once('error', reject);
      outgoing.end(request.body?.text);
    });
  }

  close(): void {
    for (const agent of this.agents.values()) agent.destroy();
  }

  private agentOf(certificate: TestCertificate | 'none'): Agent {
    const known = this.agents.get(certificate);
    if (known !== undefined) return known;
    const identity = certificate === 'none' ? {} : { key: certificate.key, cert: certificate.cert };
    const agent = new Agent({ keepAlive: true, ca: this.ca, ...identity });
    this.agents.set(certificate, agent);
    return agent;
  }
}

/** Values of a header, one for each time that it came. */
export function headerValues(response: HostileResponse, name: string): readonly string[] {
  return response.rawHeaders.filter(
    (_, index, all) => index % 2 === 1 && all[index - 1]?.toLowerCase() === name,
  );
}

function methodOf(request: HostileRequest): string {
  return request.method ?? (request.body === undefined ? 'GET' : 'POST');
}

function targetOf(request: HostileRequest): string {
  const path = request.path ?? '/main';
  return request.query === undefined ? path : `${path}?${request.query}`;
}

/** A flat array is sent as it stands, repeats and case included; Node then adds no `Host` of its own. */
function rawHeadersOf(request: HostileRequest, port: number): readonly string[] {
  const { authorization, body } = request;
  return [
    'Host',
    request.host ?? `localhost:${port}`,
    ...(authorization === undefined ? [] : ['Authorization', authorization]),
    ...(request.headers ?? []),
    ...(body === undefined
      ? []
      : ['Content-Type', body.type, 'Content-Length', String(Buffer.byteLength(body.text))]),
  ];
}

async function receive(response: IncomingMessage): Promise<HostileResponse> {
  const chunks: Buffer[] = [];
  for await (const chunk of response) chunks.push(chunk as Buffer);
  return {
    status: response.statusCode ?? 0,
    rawHeaders: response.rawHeaders,
    body: Buffer.concat(chunks).toString(),
  };
}
