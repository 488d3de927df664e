import { resolve as resolvePath } from 'node:path';
import { KeepAlivePool } from '../load/keep-alive-pool.js';
import { RequestList } from '../load/request-list.js';
import { PROGRAMS } from '../paths.js';
import type { ServeResult } from '../results.js';
import { summarise } from '../statistics.js';
import { askOnce } from './answer.js';
import { commandLine, MeasuredServer } from './measured-server.js';
import { type ProxyScenario, proxyScenarios } from './proxy-scenarios.js';
import { ProxyWorld } from './proxy-world.js';

const PATH = '/auth/any';

export const CONNECTIONS = 16;

/** How it is measured. */
export interface ServeOptions {
  /** Tiny numbers, to see that it runs. */
  readonly quick: boolean;
  /** Only the scenarios whose names begin so. @default all */
  readonly only?: string;
  /** The core that the servers run on. @default any */
  readonly core?: number | undefined;
  /** Another build of the command, to be measured in the place of this one. @default this one */
  readonly command?: string | undefined;
  readonly rounds?: number | undefined;
  readonly requests?: number | undefined;
  /** Those of `many-certificates`. */
  readonly clients?: number | undefined;
}

interface Run {
  readonly command: string;
  readonly rounds: number;
  readonly requests: number;
  readonly clients: number;
  readonly core: number | undefined;
}

function runOf({ quick, command = commandLine(), core, rounds, requests, clients }: ServeOptions): Run {
  return {
    command,
    core,
    rounds: rounds ?? (quick ? 1 : 9),
    requests: requests ?? (quick ? 50 : 3000),
    clients: clients ?? (quick ? 100 : 10_000),
  };
}

/** Measures what a decision of `serve` costs, beside bare Node that gives the same answer, scenario by scenario. */
export async function* measureServe(options: ServeOptions): AsyncGenerator<ServeResult> {
  const run = runOf(options);
  const world = await ProxyWorld.create();
  try {
    const onceNeeded = (run.rounds + 1) * run.requests + 1;
    const all = await proxyScenarios(world, { onceNeeded, clients: run.clients });
    for (const scenario of all) {
      if (scenario.name.startsWith(options.only ?? '')) yield await measure(world, scenario, run);
    }
  } finally {
    await world.remove();
  }
}

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

  async round(requests: number): Promise<void> {
    this.micros.push(await this.run(requests));
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

async function measure(
  world: ProxyWorld,
  scenario: ProxyScenario,
  { command, rounds, requests, core }: Run,
): Promise<ServeResult> {
  const ours = await laneOf(scenario, core, [command, 'serve', await world.configuration(scenario.options)]);
  const [first = []] = scenario.requests;
  const answer = await askOnce(ours.server.port, PATH, first);
  const bare = await laneOf(scenario, core, [
    resolvePath(PROGRAMS, 'proxy/bare-server.js'),
    JSON.stringify(answer),
  ]);
  const listeningAfter = ours.server.milliseconds;
  const before = await ours.server.ask('residentMemory');
  for (const lane of [ours, bare]) await lane.run(warmUpOf(scenario, requests));
  for (let round = 0; round < rounds; round += 1) {
    const order = round % 2 === 0 ? [ours, bare] : [bare, ours];
    for (const lane of order) await lane.round(requests);
  }
  const after = await ours.server.ask('residentMemory');
  for (const lane of [ours, bare]) await lane.leave();
  const { name, title, goal } = scenario;
  return {
    name,
    title,
    goal,
    cpuMicros: summarise(ours.micros),
    bareMicros: summarise(bare.micros),
    ratio: summarise(ours.micros.map((micros, index) => micros / (bare.micros[index] ?? Number.NaN))),
    listeningAfter,
    residentMemory: { before, after },
  };
}

async function laneOf(
  { requests, status }: ProxyScenario,
  core: number | undefined,
  program: readonly string[],
): Promise<Lane> {
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
function warmUpOf({ requests: list, once }: ProxyScenario, requests: number): number {
  return once ? requests : Math.max(3 * requests, 2 * list.length);
}
