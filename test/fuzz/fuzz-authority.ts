import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Served } from './oracle/oracle-authority.js';

/** One answer, as it goes over the wire. */
export interface FuzzedAnswer extends Served {
  readonly contentType: string;
  /** Where a redirect leads. */
  readonly location?: string;
}

/** An authorization server on 127.0.0.1 that answers each path with what it was told to, and counts. */
export class FuzzAuthority {
  private readonly answers = new Map<string, FuzzedAnswer>();
  private readonly hits = new Map<string, number>();
  private readonly server: Server;

  private constructor() {
    this.server = createServer((request, response) => {
      const path = request.url ?? '';
      this.hits.set(path, this.hitsOf(path) + 1);
      request.resume();
      const answer = this.answers.get(path);
      const location = answer?.location === undefined ? {} : { location: answer.location };
      response.writeHead(answer?.status ?? 404, {
        'content-type': answer?.contentType ?? 'text/plain',
        ...location,
      });
      response.end(answer?.status === 204 || answer?.status === 304 ? undefined : answer?.body);
    });
  }

  static async start(): Promise<FuzzAuthority> {
    const authority = new FuzzAuthority();
    authority.server.listen(0, '127.0.0.1');
    await once(authority.server, 'listening');
    return authority;
  }

  get origin(): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  answer(path: string, answer: FuzzedAnswer): void {
    this.answers.set(path, answer);
  }

  answerOf(path: string): FuzzedAnswer {
    const answer = this.answers.get(path);
    if (answer === undefined) throw new Error(`nothing was to be answered at ${path}`);
    return answer;
  }

  /** Requests for a path. */
  hitsOf(path: string): number {
    return this.hits.get(path) ?? 0;
  }

  forget(): void {
    this.answers.clear();
    this.hits.clear();
  }

  async stop(): Promise<void> {
    this.server.closeAllConnections();
    this.server.close();
    await once(this.server, 'close');
  }
}
