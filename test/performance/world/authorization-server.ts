import type { JWK } from 'jose';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/**
 * What the APIs ask while they start, and when they see an opaque token for the first time: JWK Sets and
 * introspection, over HTTP on 127.0.0.1. It is idle while anything is measured.
 */
export class AuthorizationServer {
  private readonly keySets = new Map<string, readonly JWK[]>();
  private readonly answers = new Map<string, object>();

  private constructor(private readonly server: Server) {
    server.on('request', (request: IncomingMessage, response: ServerResponse) => {
      void this.handle(request, response);
    });
  }

  static async start(): Promise<AuthorizationServer> {
    const server = createServer();
    const started = new AuthorizationServer(server);
    await new Promise<void>((resolve) => {
      server.listen(0, '127.0.0.1', resolve);
    });
    return started;
  }

  get introspectionEndpoint(): string {
    return `${this.url}/introspect`;
  }

  /** Publishes a JWK Set. @returns its URL */
  publish(name: string, keys: readonly JWK[]): string {
    this.keySets.set(`/jwks/${name}`, keys);
    return `${this.url}/jwks/${name}`;
  }

  /** Issues an opaque token. */
  issue(token: string, answer: object): void {
    this.answers.set(token, answer);
  }

  stop(): void {
    this.server.close();
    this.server.closeAllConnections();
  }

  private get url(): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  private async handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const form = new URLSearchParams(Buffer.concat(chunks).toString());
    const keys = this.keySets.get(request.url ?? '');
    const answer =
      keys === undefined ? (this.answers.get(form.get('token') ?? '') ?? { active: false }) : { keys };
    response.setHeader('content-type', 'application/json');
    response.end(JSON.stringify(answer));
  }
}
