import { Logger } from '@nestjs/common';
import type { CertBoundAuthOptions } from 'nestjs-cert-bound-auth';
import type { Decision } from '../../lib/decision.js';
import { resolveOptions } from '../../lib/options/resolve-options.js';
import { ResourceServer } from '../../lib/resource-server.js';
import { nodeRequest } from './node-request.js';
import type { Observation } from './oracle/observation.js';

export type Acceptance = Extract<Decision, { readonly outcome: 'accepted' }>;
export type Refused = Extract<Decision, { readonly outcome: 'refused' }>;

/** The one seam between the fuzzer and the library: an app's rules, without Nest. */
export class Library {
  private readonly server: ResourceServer;
  private readonly lines: string[] = [];
  private readonly events: unknown[] = [];

  constructor(private readonly options: CertBoundAuthOptions) {
    this.server = new ResourceServer(resolveOptions(options));
    this.server.listenBy([{ onDecision: (decision) => this.events.push(decision) }]);
  }

  async decide(seen: Observation): Promise<Decision> {
    return this.server.decide(nodeRequest(seen));
  }

  /** The same options, and nothing remembered. */
  fresh(): Library {
    return new Library(this.options);
  }

  /** Ends the connections to the authorization servers. */
  async close(): Promise<void> {
    await this.server.close();
  }

  /** What operations are told of a refusal: lines of the log, then the event as JSON. */
  told(refused: Refused, route: string): readonly string[] {
    const keep = (line: unknown): void => {
      this.lines.push(String(line));
    };
    Logger.overrideLogger({ log: keep, error: keep, warn: keep, debug: keep });
    this.lines.length = 0;
    this.events.length = 0;
    this.server.reportRefusal(refused, route);
    return [...this.lines, ...this.events.map((event) => JSON.stringify(event))];
  }
}
