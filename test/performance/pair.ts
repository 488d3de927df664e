/** `npm run bench:pair -- <checkout>`: this checkout beside another one, both built for the benchmark, in one run. */
import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { type BenchOptions, readBenchOptions } from './bench-options.js';
import type { LoadPlan, ServerContestant } from './comparison.js';
import { measure } from './measure.js';
import { chooseCores } from './processes/cores.js';
import { Processes } from './processes/processes.js';
import { ratioOf } from './ratio.js';
import type { Result } from './results.js';
import { eachOnce, forATime, onceNeeded, PLATFORMS, type Setting } from './scenarios/line-up.js';
import { type Platform, SCOPE, SCOPED_PATH, type ServerSettings } from './servers/server-settings.js';
import { summarise } from './statistics.js';
import { World } from './world/world.js';

/** A server may take so much longer than before: less cannot be told from noise. */
const LIMIT = 1.02;
/** Every server is started ten times, for five rounds each. */
const REPEATS = ['--rounds', '50', '--starts', '10'];

interface Case {
  readonly name: string;
  readonly load: LoadPlan;
  readonly settings: Partial<ServerSettings>;
}

async function main(checkout: string, options: BenchOptions): Promise<void> {
  const world = await World.create();
  const processes = new Processes(chooseCores(options.pin), ['--expose-gc']);
  try {
    const setting = { world, options };
    for (const each of await casesOf(setting)) {
      if (!each.name.startsWith(options.only ?? '')) continue;
      for (const platform of PLATFORMS) await compare({ setting, processes, checkout, platform, ...each });
    }
  } finally {
    await processes.stop();
    await world.remove();
  }
}

async function casesOf(setting: Setting): Promise<readonly Case[]> {
  const { world, options } = setting;
  const once = onceNeeded(options);
  return [
    { name: 'known token', load: forATime(setting, await world.tokens('RS256', 1)), settings: {} },
    {
      name: 'known token, for a scope',
      load: forATime(setting, await world.tokens('RS256', 1, { scope: SCOPE }), { path: SCOPED_PATH }),
      settings: {},
    },
    { name: 'new token, ES256', load: eachOnce(setting, await world.tokens('ES256', once)), settings: {} },
    { name: 'new token, PS256', load: eachOnce(setting, await world.tokens('PS256', once)), settings: {} },
    {
      name: 'new DPoP proof',
      load: eachOnce(setting, await world.proofs(once)),
      settings: { dpop: true },
    },
  ];
}

interface PairOfServers extends Case {
  readonly setting: Setting;
  readonly processes: Processes;
  readonly checkout: string;
  readonly platform: Platform;
}

async function compare({
  setting: { world, options },
  processes,
  checkout,
  platform,
  name,
  load,
  settings,
}: PairOfServers): Promise<void> {
  const common = { ...world.settings, ...settings, variant: 'library', platform, instance: name } as const;
  const contestants: readonly ServerContestant[] = [
    { kind: 'server', id: 'now', label: 'this checkout', load, settings: common },
    { kind: 'server', id: 'before', label: 'the other one', load, settings: { ...common, checkout } },
  ];
  const [now, before] = await measure(name, { contestants, repeats: options }, processes);
  if (now === undefined || before === undefined) throw new Error(`${name}: nothing was measured`);
  const { mean, low, high } = ratioOf(byStart(now, options), byStart(before, options));
  const figures = [now, before].map(({ cpuMicros }) => `${cpuMicros.median.toFixed(1)} µs`).join(' beside ');
  const verdict = low > LIMIT ? 'SLOWER' : 'ok';
  console.log(
    `${verdict} ${name}, ${platform}: ${mean.toFixed(3)} (${low.toFixed(3)} to ${high.toFixed(3)}), ${figures}`,
  );
  if (low > LIMIT) process.exitCode = 1;
}

/**
 * The median of each process. One process of a program may be faster than another for all its life, so that its rounds are no
 * measurements of their own.
 */
function byStart({ rounds }: Result, { starts }: BenchOptions): readonly number[] {
  const ofEach = Math.ceil(rounds.length / starts);
  return Array.from({ length: starts }, (_, start) => {
    const ofStart = rounds.slice(start * ofEach, (start + 1) * ofEach);
    return summarise(ofStart.map(({ cpuMicros }) => cpuMicros)).median;
  });
}

const [given, ...args] = process.argv.slice(2);
const checkout = given === undefined ? undefined : resolve(given);
if (checkout === undefined || !existsSync(join(checkout, 'dist/performance/processes/server.js'))) {
  console.error('npm run bench:pair -- <another checkout>, in which npm run bench -- --quick has been run');
  process.exitCode = 1;
} else {
  await main(checkout, readBenchOptions([...REPEATS, ...args]));
}
