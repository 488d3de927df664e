import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { type AccessDecision, DECISION_CHANNEL } from 'nestjs-cert-bound-auth';
import type { TestAuthorizationServer } from 'nestjs-cert-bound-auth/testing';
import { AUDIENCE } from './hostile-kit.js';

/** A request of a row, and what was known of its token when it came. */
export interface RecordedRequest {
  readonly row: string;
  /** The token had been accepted before, from whoever it belongs to. */
  readonly primed: boolean;
  /** The app found the token among those that it knew. */
  readonly hit: boolean;
  /** How often the app asked the authorization server about a token meanwhile. */
  readonly asked: number;
  readonly status: number;
}

/** What came of a table whose tokens were made known before. */
export class FastPathRecord {
  readonly requests: RecordedRequest[] = [];

  /** Watches one request. @returns is called with its status when it has been answered */
  watch(row: string, primed: boolean, server: TestAuthorizationServer): (status: number) => void {
    const askedBefore = lookUpsAt(server);
    let hit = false;
    const onDecision = (decision: unknown): void => {
      hit ||= (decision as AccessDecision).cacheHit;
    };
    subscribe(DECISION_CHANNEL, onDecision);
    return (status) => {
      unsubscribe(DECISION_CHANNEL, onDecision);
      this.requests.push({ row, primed, hit, asked: lookUpsAt(server) - askedBefore, status });
    };
  }

  /** How many requests there were like this. */
  count(like: (request: RecordedRequest) => boolean): number {
    return this.requests.filter(like).length;
  }

  /** Rows whose token the authorization server was asked about once more, although it had just been accepted. */
  get askedAgain(): readonly string[] {
    const rows = this.requests.filter(({ primed, asked }) => primed && asked > 0).map(({ row }) => row);
    return [...new Set(rows)];
  }
}

/** Those of the apps under test: the decoys, which are for another audience, ask for themselves. */
function lookUpsAt(server: TestAuthorizationServer): number {
  return server.requests.filter(
    ({ endpoint, form }) => endpoint === 'introspection' && form.get('resource') === AUDIENCE,
  ).length;
}

/** The tokens of a text that have the shape of a JWT. */
export function jwtsIn(text: string): readonly string[] {
  return text.match(/eyJ[\w-]+\.[\w-]+\.[\w-]+/g) ?? [];
}

/** Pairs of name and value out of headers as they are sent. */
export function headerPairs(headers: readonly string[]): readonly (readonly [string, string])[] {
  return headers.flatMap((name, index) =>
    index % 2 === 0 ? [[name.toLowerCase(), headers[index + 1] ?? ''] as const] : [],
  );
}
