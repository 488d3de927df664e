import type { DpopKit } from './dpop-kit.js';
import type { HostileRequest } from './request.js';

/** The OAuth error codes of the tables. */
export type OAuthErrorCode =
  'invalid_request' | 'invalid_token' | 'invalid_dpop_proof' | 'use_dpop_nonce' | 'insufficient_scope';

/** What must come back. */
export type Expectation = Accepted | NoCredentials | Refused | Unavailable;

/** The handler ran. */
export interface Accepted {
  readonly kind: 'accepted';
  /** What the handler was told; on a public route it is told nothing. */
  readonly boundBy: readonly ('certificate' | 'dpop')[];
  /** The route is public: who calls it is not asked. */
  readonly open?: true;
}

/** Nothing was sent that could be refused: 401, every challenge, and no error in them (RFC 6750 §3.1). */
export interface NoCredentials {
  readonly kind: 'no credentials';
}

/** What was sent was refused. */
export interface Refused {
  readonly kind: 'refused';
  readonly status: 400 | 401 | 403;
  /** The scheme that was used; `untold`: nobody can say which. */
  readonly scheme: 'DPoP' | 'Bearer' | 'untold';
  /** The code; several where a request has several faults and no standard says which one is first. */
  readonly errors: readonly OAuthErrorCode[];
}

/** The authorization server could not be asked. */
export interface Unavailable {
  readonly kind: 'unavailable';
}

/** One idea of an attacker, or one thing that must not be refused: requests that are sent one after another. */
export interface HostileRow {
  /** Id of the requirement (resource-server-requirements.md; `INV` is an invariant of DESIGN.md), and the idea. */
  readonly name: string;
  readonly requests: (kit: DpopKit) => readonly HostileRequest[];
  /** One for each request. */
  readonly expect: readonly Expectation[];
  /** The token is for the other audience as well: the decoys then do the same, out of their own replay store. */
  readonly everyAudience?: true;
}

export function refused(
  status: Refused['status'],
  scheme: Refused['scheme'],
  ...errors: OAuthErrorCode[]
): Refused {
  return { kind: 'refused', status, scheme, errors };
}

/** The status that is expected. */
export function statusOf(expected: Expectation): number {
  switch (expected.kind) {
    case 'accepted':
      return 200;
    case 'no credentials':
      return 401;
    case 'refused':
      return expected.status;
    case 'unavailable':
      return 503;
  }
}

/** The title of a row's test: a sentence that says what the row sends and what it must be answered. */
export function titleOf({ name, expect }: HostileRow): string {
  const colon = name.indexOf(': ');
  const [requirement, idea] = [name.slice(0, colon), name.slice(colon + 2)];
  return `${requirement}: what sends “${idea}” is ${expect.map((each) => outcomeOf(each)).join(', then ')}`;
}

function outcomeOf(expected: Expectation): string {
  switch (expected.kind) {
    case 'accepted':
      return expected.open === true ? 'served without a look at credentials' : 'accepted';
    case 'no credentials':
      return 'asked for credentials (401)';
    case 'refused':
      return `refused with ${expected.status} ${expected.errors.join(' or ')}`;
    case 'unavailable':
      return 'told that nobody can be asked (503)';
  }
}
