import type { Type } from '@nestjs/common';
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { type AccessDecision, DECISION_CHANNEL, Policy } from 'nestjs-cert-bound-auth';
import { type Api, APIS, startThreeApis, type ThreeApis } from '../support/policies.js';
import type { World } from '../support/world.js';
import { type DemandRow, DEMANDS } from './demand-rows.js';
import { type Challenge, expectedOf, type Outcome, type Wants } from './oracle.js';
import {
  type Caller,
  callerOf,
  createClients,
  NOW,
  PUBLIC_URL,
  sentOf,
  type TokenRow,
  TOKENS,
} from './token-rows.js';

/** A handler of the tables: of one demand, under one policy. */
export interface Cell {
  /** Unique, and good as the name of a method, a field, and a path. */
  readonly id: string;
  readonly demand: DemandRow;
  readonly policy: Api;
}

export const CELLS: readonly Cell[] = APIS.flatMap((policy) =>
  DEMANDS.map((demand, index) => ({ id: `${policy}${index}`, demand, policy })),
);

/** What an entrance puts on handlers, and how its clients are answered. */
export interface Place {
  readonly onClass: (cell: Cell) => ClassDecorator;
  readonly onMethod: (cell: Cell) => MethodDecorator;
  readonly answer: (...args: readonly unknown[]) => unknown;
}

/** The classes of the handlers of all cells, one for each. */
export function handlersAt(place: Place): readonly Type[] {
  return CELLS.map((cell) => handlerOf(cell, place));
}

function handlerOf(cell: Cell, { onClass, onMethod, answer }: Place): Type {
  class Handler {
    run(...args: readonly unknown[]): unknown {
      return answer(...args);
    }
  }
  Object.defineProperty(Handler, 'name', { value: `Handler_${cell.id}` });
  const { demand, policy } = cell;
  const descriptor = Object.getOwnPropertyDescriptor(Handler.prototype, 'run') ?? {};
  const ofMethod = demand.onMethod.map(({ decorator }) => decorator as MethodDecorator);
  Reflect.decorate([onMethod(cell), ...ofMethod], Handler.prototype, 'run', descriptor);
  const ofClass = demand.onClass.map(({ decorator }) => decorator as ClassDecorator);
  const ofPolicy = policy === 'own' ? [] : [Policy(policy) as ClassDecorator];
  Reflect.decorate([onClass(cell), ...ofPolicy, ...ofClass], Handler);
  return Handler;
}

/** What an answer says: what is not seen at an entrance is left out there. */
export interface Answer {
  readonly status: number;
  /** `WWW-Authenticate`; of a message what its sender is told. */
  readonly challenge: string;
}

/** Sends what a row says to the handler of a cell. `passed` where the handler has answered. */
export type Send = (cell: Cell, caller: Caller) => Promise<'passed' | Answer>;

/** One sentence for each row of tokens. */
export type Outcomes = Readonly<Record<string, string>>;

/** An entrance, when its app has started. */
export interface Entrance {
  readonly send: Send;
  /** Whether a client with these credentials can reach it at all. @default all can */
  readonly isReachable?: (row: TokenRow) => boolean;
}

/** The three APIs behind all tables: own options, and two policies, all with DPoP beside certificates. */
export async function startTables(world: World): Promise<ThreeApis> {
  return startThreeApis(world, { dpop: { publicUrl: PUBLIC_URL } });
}

/** Sends every row of tokens to every cell, one after another. */
export async function seenAt(
  world: World,
  apis: ThreeApis,
  { send, isReachable = () => true }: Entrance,
): Promise<ReadonlyMap<Cell, Outcomes>> {
  const clients = await createClients();
  const reasons = watchReasons();
  const seen = new Map<Cell, Outcomes>(CELLS.map((cell) => [cell, {}]));
  for (const policy of APIS) {
    for (const row of TOKENS.filter(isReachable)) {
      const caller = await callerOf(sentOf(row, policy), world, apis, clients);
      for (const cell of CELLS.filter((each) => each.policy === policy)) {
        reasons.last = 'no decision';
        const answer = await send(cell, caller);
        seen.set(cell, { ...seen.get(cell), [sentence(row)]: textOfAnswer(answer, reasons.last) });
      }
    }
  }
  reasons.stop();
  return seen;
}

interface Reasons {
  last: string;
  readonly stop: () => void;
}

/** What listeners are told of the decision made last. */
function watchReasons(): Reasons {
  const note = (message: unknown): void => {
    const decision = message as AccessDecision;
    reasons.last = decision.outcome === 'accepted' ? 'accepted' : decision.reason;
  };
  const reasons = { last: '', stop: () => void unsubscribe(DECISION_CHANNEL, note) };
  subscribe(DECISION_CHANNEL, note);
  return reasons;
}

function textOfAnswer(answer: 'passed' | Answer, reason: string): string {
  if (answer === 'passed') return reason === 'accepted' ? 'passes' : `passes, and listeners hear: ${reason}`;
  return refusedText(answer.status, reason, challengesIn(answer.challenge));
}

function sentence({ says }: TokenRow): string {
  return `who sends ${says}`;
}

/** What the oracle says of a cell. */
export function expectedAt(
  cell: Cell,
  { isReachable = () => true }: Pick<Entrance, 'isReachable'>,
  expected: (wants: Wants, row: TokenRow) => string = (wants, row) => textOf(decide(wants, row, cell.policy)),
): Outcomes {
  const wants = wantsOf(cell);
  return Object.fromEntries(TOKENS.filter(isReachable).map((row) => [sentence(row), expected(wants, row)]));
}

export function decide(wants: Wants, row: TokenRow, policy: Api): Outcome {
  return expectedOf(wants, sentOf(row, policy), policy, NOW);
}

export function wantsOf({ demand }: Cell): Wants {
  return {
    onClass: demand.onClass.map(({ want }) => want),
    onMethod: demand.onMethod.map(({ want }) => want),
  };
}

export function textOf(outcome: Outcome): string {
  return outcome === 'passes' ? outcome : refusedText(outcome.status, outcome.reason, outcome.challenges);
}

export function refusedText(status: number, reason: string, challenges: readonly Challenge[]): string {
  const told = challenges.map(({ scheme, parameters }) => {
    const listed = Object.entries(parameters).map(([name, value]) => ` ${name}=${value}`);
    return `${scheme}${listed.join('')}`;
  });
  return `${status} ${reason}; ${told.join(', ') || 'no challenge'}`;
}

/** Words for people, and what is the same in all of them. */
const LEFT_OUT = new Set(['error_description', 'algs']);

/** Reads `WWW-Authenticate` (RFC 9110 §11.6.1): names of schemes stand where no `=` follows. */
function challengesIn(header: string): readonly Challenge[] {
  const found: { readonly scheme: string; readonly parameters: Record<string, string> }[] = [];
  for (const [, name = '', value] of header.matchAll(/([\w-]+)(?:="([^"]*)")?/g)) {
    if (value === undefined) found.push({ scheme: name, parameters: {} });
    else if (!LEFT_OUT.has(name))
      Object.assign(found.at(-1)?.parameters ?? {}, { [name]: inOrder(name, value) });
  }
  return found;
}

/** The order of scopes says nothing (RFC 6749 §3.3). */
function inOrder(name: string, value: string): string {
  return name === 'scope' ? value.split(' ').toSorted().join(' ') : value;
}
