/** `npm run bench`: what protection costs. See docs/performance.md. */
import { type BenchOptions, readBenchOptions, USAGE } from './bench-options.js';
import type { Scenario } from './comparison.js';
import { installPeers } from './install-peers.js';
import { describeMachine, describeVersions } from './machine.js';
import { measure } from './measure.js';
import { chooseCores, type Cores } from './processes/cores.js';
import { measureServe } from './proxy/measure-serve.js';
import { Processes } from './processes/processes.js';
import { profileScenario } from './profile/profile-scenario.js';
import { terminalReport } from './report/text.js';
import { writeReport } from './report/write-report.js';
import type { Result, Results, ServeResult } from './results.js';
import { allScenarios } from './scenarios/scenarios.js';
import { World } from './world/world.js';

async function main(options: BenchOptions): Promise<void> {
  await installPeers();
  const cores = chooseCores(options.pin);
  const world = await World.create();
  try {
    const scenarios = choose(allScenarios({ world, options }), options.only);
    if (options.profile === undefined) await report(scenarios, options, cores);
    else for (const scenario of scenarios) await profileScenario(scenario, cores);
  } finally {
    await world.remove();
  }
}

function choose(scenarios: readonly Scenario[], only = ''): readonly Scenario[] {
  const chosen = scenarios.filter(({ name }) => name.startsWith(only));
  if (chosen.length > 0 || only.startsWith(SERVE)) return chosen;
  const names = [...scenarios.map(({ name }) => name), SERVE];
  throw new Error(`there is no scenario ${only}, only ${names.join(', ')}`);
}

/** What the names of its scenarios begin with. */
const SERVE = 'serve';

async function measureBackend(
  { quick, only = SERVE }: BenchOptions,
  { server }: Cores,
): Promise<ServeResult[]> {
  const results: ServeResult[] = [];
  if (!only.startsWith(SERVE)) return results;
  const of = { quick, core: server, only: only.slice(SERVE.length + 1) };
  for await (const result of measureServe(of)) {
    console.error(`${SERVE}-${result.name} …`);
    results.push(result);
  }
  return results;
}

async function report(scenarios: readonly Scenario[], options: BenchOptions, cores: Cores): Promise<void> {
  const results: Results = {
    date: new Date().toISOString(),
    machine: describeMachine(),
    versions: describeVersions(),
    options: { ...options, cores },
    scenarios: scenarios.map(({ name, title, axis }) => ({
      name,
      title,
      ...(axis === undefined ? {} : { axis }),
    })),
    results: await measureAll(scenarios, cores),
    serve: await measureBackend(options, cores),
  };
  console.log(`\n${terminalReport(results)}\n`);
  if (options.quick) console.log('With --quick everything runs, and no figure means anything.\n');
  const whole = !options.quick && options.only === undefined;
  for (const path of await writeReport(results, whole)) console.log(`written: ${path}`);
}

async function measureAll(scenarios: readonly Scenario[], cores: Cores): Promise<readonly Result[]> {
  const processes = new Processes(cores, ['--expose-gc']);
  const results: Result[] = [];
  try {
    for (const scenario of scenarios) {
      for await (const comparison of scenario.comparisons()) {
        console.error(`${scenario.name}${comparison.point === undefined ? '' : ` ${comparison.point}`} …`);
        results.push(...(await measure(scenario.name, comparison, processes)));
      }
    }
  } finally {
    await processes.stop();
  }
  return results;
}

function readOptions(): BenchOptions | undefined {
  try {
    return readBenchOptions(process.argv.slice(2));
  } catch (error) {
    console.error(`${messageOf(error)}\n\n${USAGE}`);
    return undefined;
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

const options = readOptions();
if (options === undefined) process.exitCode = 1;
else await main(options);
