import 'reflect-metadata';
import { createWorld } from '../world.js';
import { gatewaysOn } from './gateways.js';
import { graphqlOn } from './graphql.js';
import { grpc } from './grpc.js';
import { outcomesOf, type Row } from './row.js';

/** The kinds of entrance beside HTTP, on the adapters that carry them. */
const ROWS: Readonly<Record<string, Row>> = {
  'graphql by apollo on express': graphqlOn('express'),
  'graphql by mercurius on fastify': graphqlOn('fastify'),
  'ws on express': gatewaysOn('express', 'ws'),
  'ws on fastify': gatewaysOn('fastify', 'ws'),
  'socket.io on express': gatewaysOn('express', 'socket.io'),
  'socket.io on fastify': gatewaysOn('fastify', 'socket.io'),
  grpc,
};

/** Plays the rows that are named, or all, and prints what they came to, as one line of JSON. */
async function main(names: readonly string[]): Promise<void> {
  const world = await createWorld();
  const outcomes: Record<string, unknown> = {};
  for (const [name, row] of Object.entries(ROWS))
    if (names.length === 0 || names.includes(name)) outcomes[name] = await outcomesOf(row, world);
  await world.authorizationServer.stop();
  console.log(JSON.stringify(outcomes));
}

main(process.argv.slice(2)).then(
  () => process.exit(),
  (error: unknown) => {
    console.error(error);
    process.exit(1);
  },
);
