/** `npm run bench:serve`: what a decision of `serve` costs, beside bare Node that gives the same answer. See docs/performance.md. */
import { parseArgs } from 'node:util';
import { KeepAlivePool } from '../load/keep-alive-pool.js';
import { RequestList } from '../load/request-list.js';
import { resolve as resolvePath } from 'node:path';
import { PROGRAMS } from '../paths.js';
import { chooseCores } from '../processes/cores.js';
import { summarise, type Summary } from '../statistics.js';
import { askOnce } from './answer.js';
import { commandLine, MeasuredServer } from './measured-server.js';
import { MANY_GOAL, type ProxyScenario, proxyScenarios } from './proxy-scenarios.js';
import { ProxyWorld } from './proxy-world.js';

const PATH = '/auth/any';

const { values } = parseArgs({
  allowNegative: true,
  options: {
    quick: { type: 'boolean', default: false },
    only: { type: 'string', default: '' },
    /** Another build of the command, to be measured in the place of this one. */
    command: { type: 'string', default: commandLine() },
    rounds: { type: 'string' },
    requests: { type: 'string' },
    clients: { type: 'string' },
    pin: { type: 'boolean', default: true },
  },
});
const ROUNDS = Number(values.rounds ?? (values.quick ? 1 : 9));
const REQUESTS = Number(values.requests ?? (values.quick ? 50 : 3000));
const CLIENTS = Number(values.clients ?? (values.quick ? 100 : 10_000));
const CONNECTIONS = 16;
const MEBIBYTE = 2 ** 20;
const { server: core } = chooseCores(values.pin);

/** One server, and who asks it. */
class Lane {
  private sent = 0;
  readonly micros: number[] = [];

  constructor(
    readonly server: MeasuredServer,
    private readonly pool: KeepAlivePool,
    private readonly list: RequestList,
  ) {}

  /** @returns microseconds of CPU time a request */
  async run(requests: number): Promise<number> {
    this.list.rewind(this.sent, requests);
    this.sent += requests;
    const before = await this.server.ask('cpuMicros');
    const stopPolling = poll();
    const answered = await this.pool.run(this.list);
    stopPolling();
    return ((await this.server.ask('cpuMicros')) - before) / answered;
  }

  async round(): Promise<void> {
    this.micros.push(await this.run(REQUESTS));
  }

  async leave(): Promise<void> {
    this.pool.close();
    await this.server.stop();
  }
}

/** Keeps this process awake: the server would have to pay for waking it. */
function poll(): () => void {
  let next = setImmediate(again);
  function again(): void {
    next = setImmediate(again);
  }
  return () => clearImmediate(next);
}

/** What came of a scenario. */
interface Measured {
  readonly ours: Summary;
  readonly bare: Summary;
  readonly ratio: Summary;
}

async function measure(world: ProxyWorld, scenario: ProxyScenario): Promise<Measured> {
  const ours = await laneOf(scenario, [values.command, 'serve', await world.configuration(scenario.options)]);
  const [first = []] = scenario.requests;
  const answer = await askOnce(ours.server.port, PATH, first);
  const bare = await laneOf(scenario, [
    resolvePath(PROGRAMS, 'proxy/bare-server.js'),
    JSON.stringify(answer),
  ]);
  const [started, plain] = [ours.server.milliseconds, bare.server.milliseconds];
  const [resident, residentPlain] = [
    await ours.server.ask('residentMemory'),
    await bare.server.ask('residentMemory'),
  ];
  for (const lane of [ours, bare]) await lane.run(warmUpOf(scenario));
  for (let round = 0; round < ROUNDS; round += 1) {
    const order = round % 2 === 0 ? [ours, bare] : [bare, ours];
    for (const lane of order) await lane.round();
  }
  const [after, afterPlain] = [
    await ours.server.ask('residentMemory'),
    await bare.server.ask('residentMemory'),
  ];
  for (const lane of [ours, bare]) await lane.leave();
  console.log(
    `  ${scenario.name}: listening after ${started.toFixed(0)} ms (bare ${plain.toFixed(0)}), ` +
      `RSS ${mebibytes(resident)} (${mebibytes(residentPlain)}), after ${mebibytes(after)} (${mebibytes(afterPlain)}) MiB`,
  );
  return {
    ours: summarise(ours.micros),
    bare: summarise(bare.micros),
    ratio: summarise(ours.micros.map((micros, index) => micros / (bare.micros[index] ?? Number.NaN))),
  };
}

async function laneOf({ requests, status }: ProxyScenario, program: readonly string[]): Promise<Lane> {
  const server = await MeasuredServer.start(program, core);
  const bytes = requests.map((lines) =>
    Buffer.from([`GET ${PATH} HTTP/1.1`, 'Host: localhost', ...lines, '', ''].join('\r\n')),
  );
  return new Lane(
    server,
    new KeepAlivePool(server.port, CONNECTIONS, undefined, status),
    new RequestList(bytes),
  );
}

/** Until every one of them is known, and the code is compiled. */
function warmUpOf({ requests, once }: ProxyScenario): number {
  return once ? REQUESTS : Math.max(3 * REQUESTS, 2 * requests.length);
}

function mebibytes(bytes: number): string {
  return (bytes / MEBIBYTE).toFixed(0);
}

function report(name: string, { ours, bare, ratio }: Measured, goal: number): void {
  const limit = Number.isFinite(goal)
    ? `, goal ${goal}: ${ratio.median <= goal ? 'reached' : 'NOT reached'}`
    : '';
  console.log(
    `${name}: ${ratio.median.toFixed(2)} × bare Node (${ratio.min.toFixed(2)} to ${ratio.max.toFixed(2)}), ` +
      `${ours.median.toFixed(1)} µs beside ${bare.median.toFixed(1)} µs${limit}`,
  );
}

async function main(): Promise<void> {
  const world = await ProxyWorld.create();
  try {
    const onceNeeded = (ROUNDS + 1) * REQUESTS + 1;
    const all = await proxyScenarios(world, { onceNeeded, clients: CLIENTS });
    const found = new Map<string, Measured>();
    for (const scenario of all.filter(({ name }) => name.startsWith(values.only))) {
      const measured = await measure(world, scenario);
      found.set(scenario.name, measured);
      report(scenario.name, measured, scenario.goal);
    }
    const [one, many] = [found.get('one-certificate'), found.get('many-certificates')];
    if (one !== undefined && many !== undefined) {
      const growth = many.ratio.median / one.ratio.median;
      console.log(`${CLIENTS} certificates in turn: ${growth.toFixed(2)} of one, goal ${MANY_GOAL}`);
    }
  } finally {
    await world.remove();
  }
}

console.log(`Node ${process.version}, ${CONNECTIONS} connections, ${ROUNDS} rounds of ${REQUESTS} requests`);
await main();
