import { LRUCache } from 'lru-cache';
import type { VerifiedAccessToken } from '../decision.js';
import { renderFields } from '../common/log-fields.js';
import { messageOf } from '../common/message-of.js';
import type { UnboundRequest } from '../cert-bound-auth.options.js';
import { BoundedLog } from '../common/bounded-log.js';
import { log } from '../common/log.js';

const HOUR_MS = 3_600_000;
const MOST_LINES = 10_000;

/** Says which requests come with valid tokens that are bound to nothing. */
export class UnboundReport {
  /** What has been logged lately. */
  private readonly logged = new LRUCache<string, true>({ max: MOST_LINES, ttl: HOUR_MS });

  private readonly failures = new BoundedLog();

  /** @param listener called for every such request, beside the log */
  constructor(private readonly listener: (request: UnboundRequest) => unknown) {}

  /** @param route method and path pattern */
  add({ issuer, clientId, subject }: VerifiedAccessToken, route: string): void {
    this.log(renderFields({ issuer, client: clientId, route }));
    const request = {
      issuer,
      ...(clientId === undefined ? {} : { clientId }),
      ...(subject === undefined ? {} : { subject }),
      route,
    };
    const threw = 'the listener of reportUnbound threw';
    this.tell(request).catch((error: unknown) =>
      this.failures.write('error', threw, `${threw}: ${messageOf(error)}`),
    );
  }

  /** A listener that is an async function may reject: that would end the process. */
  private async tell(request: UnboundRequest): Promise<void> {
    await this.listener(request);
  }

  /** Each client and route once an hour: all of a large API would bury the rest of the log. */
  private log(what: string): void {
    if (this.logged.has(what)) return;
    // Stryker disable next-line BooleanLiteral: what counts is that there is a value
    this.logged.set(what, true);
    log.warn(`unbound access token: binding 'required' would refuse ${what}`);
  }
}
