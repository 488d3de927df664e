import { Query, Resolver } from '@nestjs/graphql';
import { beforeAll, describe, expect, test } from 'vitest';
import { SERVERS, type ServerOfGraphQL, startBank } from '../e2e/graphql/bank.js';
import { type Api, APIS, type ThreeApis } from '../support/policies.js';
import { portOf } from '../support/websockets.js';
import { createWorld } from '../support/world.js';
import { expectedOf } from './oracle.js';
import { httpsClient, type Response } from './https-client.js';
import {
  type Answer,
  CELLS,
  type Cell,
  expectedAt,
  handlersAt,
  type Outcomes,
  seenAt,
  startTables,
  wantsOf,
} from './tables.js';
import { type Caller, callerOf, createClients, NOW, sentOf, type TokenRow, TOKENS } from './token-rows.js';

const world = await createWorld();

const RESOLVERS = handlersAt({
  onClass: () => Resolver(),
  onMethod: ({ id }) => Query(() => String, { nullable: true, name: id }),
  answer: () => 'passed',
});

const STATUSES: Readonly<Record<string, number>> = { UNAUTHENTICATED: 401, FORBIDDEN: 403 };

interface GraphQLBody {
  readonly data?: Readonly<Record<string, unknown>> | null;
  readonly errors?: readonly {
    readonly path?: readonly string[];
    readonly extensions?: Readonly<Record<string, unknown>>;
  }[];
}

function answerOf(id: string, { body, challenge }: Response): 'passed' | Answer {
  const { data, errors = [] } = body as GraphQLBody;
  if (data?.[id] === 'passed' && errors.length === 0) return 'passed';
  const code = errors[0]?.extensions?.['code'];
  return { status: STATUSES[String(code)] ?? 0, challenge };
}

const TARGET = { method: 'POST', path: '/graphql' };

interface Seen {
  /** Each field in an operation of its own. */
  readonly alone: ReadonlyMap<Cell, Outcomes>;
  /** All fields of all policies in one operation. */
  readonly together: Outcomes;
}

async function seenBy(server: ServerOfGraphQL): Promise<Seen> {
  const apis = await startTables(world);
  const { app } = await startBank(world, [server, 'code-first'], {
    providers: RESOLVERS,
    as: apis.as,
    options: { ...apis.options, publicPaths: ['/graphql'] },
  });
  const client = httpsClient(world, portOf(app));
  const ask: Ask = async (fields, { certificate, headersFor }) =>
    client({
      ...TARGET,
      headers: await headersFor(TARGET),
      certificate,
      content: { query: `{ ${fields} }` },
    });
  const alone = await seenAt(world, apis, {
    send: async ({ id }, caller) => answerOf(id, await ask(id, caller)),
  });
  return { alone, together: await seenTogether(apis, ask) };
}

type Ask = (fields: string, caller: Caller) => Promise<Response>;

/** What each field of one operation comes to, for each token of each policy. */
async function seenTogether(apis: ThreeApis, ask: Ask): Promise<Outcomes> {
  const clients = await createClients();
  const seen: Record<string, string> = {};
  for (const [policy, row] of SENDERS) {
    const caller = await callerOf(sentOf(row, policy), world, apis, clients);
    const { body } = await ask(CELLS.map(({ id }) => id).join(' '), caller);
    const { data, errors = [] } = body as GraphQLBody;
    const codes = new Map(errors.map(({ path, extensions }) => [path?.[0], extensions?.['code']]));
    for (const cell of CELLS)
      seen[sentence(policy, row, cell)] = String(codes.get(cell.id) ?? data?.[cell.id]);
  }
  return seen;
}

function expectedTogether(): Outcomes {
  const all = SENDERS.flatMap(([policy, row]) =>
    CELLS.map((cell) => {
      const outcome = expectedOf(wantsOf(cell), sentOf(row, policy), cell.policy, NOW);
      return [sentence(policy, row, cell), outcome === 'passes' ? 'passed' : CODES[outcome.status]] as const;
    }),
  );
  return Object.fromEntries(all) as Outcomes;
}

/** Every token, of every policy. */
const SENDERS = APIS.flatMap((policy) => TOKENS.map((row) => [policy, row] as const));

const CODES: Readonly<Record<number, string>> = { 401: 'UNAUTHENTICATED', 403: 'FORBIDDEN' };

function sentence(policy: Api, { says }: TokenRow, { demand, policy: ofField }: Cell): string {
  return `who sends ${says} (of ${policy}) for a field that has ${demand.says} (of ${ofField})`;
}

describe.each(SERVERS)('demands × tokens × policies by GraphQL, served by %s', (server) => {
  let seen: Seen = { alone: new Map(), together: {} };
  beforeAll(async () => {
    seen = await seenBy(server);
  }, 300_000);

  test.each(CELLS.map((cell) => [cell.demand.says, cell.policy, cell] as const))(
    'a field that has %s, of the policy %s, decides about each token as the oracle does',
    (_demand, _policy, cell) => {
      expect(seen.alone.get(cell)).toEqual(expectedAt(cell, {}));
    },
  );

  test('one operation with the fields of all policies gets those that its token is good for, and no other', () => {
    expect(seen.together).toEqual(expectedTogether());
  });
});
