import { SubscribeMessage, WebSocketGateway } from '@nestjs/websockets';
import { beforeAll, describe, expect, test } from 'vitest';
import { answerTo } from '../e2e/websockets/chat.gateway.js';
import { moduleOf } from '../support/policies.js';
import { connectWs, portOf, startGateways } from '../support/websockets.js';
import { createWorld } from '../support/world.js';
import type { Outcome, Wants } from './oracle.js';
import {
  type Answer,
  CELLS,
  type Cell,
  decide,
  expectedAt,
  handlersAt,
  type Outcomes,
  refusedText,
  seenAt,
  startTables,
  textOf,
} from './tables.js';
import type { TokenRow } from './token-rows.js';

const world = await createWorld();

const GATEWAYS = handlersAt({
  onClass: ({ id }) => WebSocketGateway({ path: `/${id}` }),
  onMethod: () => SubscribeMessage('run'),
  answer: (client) => answerTo(client as object, 'passed'),
});

/** What the sender of a message is told by the event `exception`. */
interface Told {
  readonly statusCode: number;
  readonly error: string;
  readonly scope?: string;
}

/** Written as a challenge is, which there is none of. */
function messageAnswer(answer: unknown): 'passed' | Answer {
  if (answer === 'passed') return 'passed';
  const { exception } = answer as { readonly exception?: Told };
  if (exception === undefined) return { status: 0, challenge: '' };
  const { statusCode, error, scope = '' } = exception;
  const told = scope === '' ? '' : `, scope="${scope}"`;
  return { status: statusCode, challenge: `message error="${error}"${told}` };
}

async function seenByGateways(): Promise<ReadonlyMap<Cell, Outcomes>> {
  const apis = await startTables(world);
  const app = await startGateways(world, 'express', 'ws', moduleOf(apis), GATEWAYS);
  const port = portOf(app);
  return seenAt(world, apis, {
    send: async ({ id }, { certificate, headersFor }) => {
      const path = `/${id}`;
      const headers = await headersFor({ method: 'GET', path });
      const own = certificate === undefined ? {} : { certificate };
      const client = await connectWs(world, { port, path, headers, ...own });
      if (client.kind === 'refused') {
        const { status, headers: answered } = client.refused;
        return { status, challenge: answered['www-authenticate'] ?? '' };
      }
      const answer = messageAnswer(await client.ask('run'));
      client.close();
      return answer;
    },
  });
}

/** The handshake is judged by what its class demands, and then the message by all. */
function expectedOfBoth(wants: Wants, row: TokenRow, { policy }: Cell): string {
  const handshake = decide({ onClass: wants.onClass, onMethod: [] }, row, policy);
  return handshake === 'passes' ? messageText(decide(wants, row, policy)) : textOf(handshake);
}

/** What was proved stays proved, so a message is not challenged: its sender is told the error, and the scopes. */
function messageText(outcome: Outcome): string {
  if (outcome === 'passes') return outcome;
  const { status, reason, challenges } = outcome;
  const { error = status === 403 ? 'Forbidden' : 'Unauthorized', scope } = challenges[0]?.parameters ?? {};
  const more: Readonly<Record<string, string>> =
    error === 'insufficient_scope' && scope !== undefined ? { scope } : {};
  return refusedText(status, reason, [{ scheme: 'message', parameters: { error, ...more } }]);
}

describe('demands × tokens × policies of messages over WebSocket', () => {
  let seen: ReadonlyMap<Cell, Outcomes> = new Map();
  beforeAll(async () => {
    seen = await seenByGateways();
  }, 300_000);

  test.each(CELLS.map((cell) => [cell.demand.says, cell.policy, cell] as const))(
    'a message whose handler has %s, of the policy %s, is decided about for each token as by the oracle',
    (_demand, _policy, cell) => {
      expect(seen.get(cell)).toEqual(expectedAt(cell, {}, (wants, row) => expectedOfBoth(wants, row, cell)));
    },
  );
});
