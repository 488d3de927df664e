import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Comparison, Contestant, Scenario } from '../comparison.js';
import { measure } from '../measure.js';
import type { Cores } from '../processes/cores.js';
import { Processes } from '../processes/processes.js';
import { textOf } from '../report/table.js';
import { type CpuProfile, selfTimes } from './cpu-profile.js';

/** Functions that are named. */
const MOST_FUNCTIONS = 40;

/** Microseconds between samples. */
const INTERVAL = 200;

/** Prints where the library's servers spend their time in a round, after a warm-up. */
export async function profileScenario(scenario: Scenario, cores: Cores): Promise<void> {
  for await (const comparison of scenario.comparisons()) {
    for (const contestant of comparison.contestants.filter((each) => isLibrary(each))) {
      console.log(`\n${scenario.title}: ${contestant.label}${pointOf(comparison)}`);
      console.log(await profileOf(scenario, { ...comparison, contestants: [contestant] }, cores));
    }
  }
}

function isLibrary(contestant: Contestant): boolean {
  return contestant.kind === 'server' && contestant.settings.variant === 'library';
}

function pointOf({ point }: Comparison): string {
  return point === undefined ? '' : `, ${point}`;
}

async function profileOf(scenario: Scenario, comparison: Comparison, cores: Cores): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'cert-bound-profile-'));
  try {
    const options = ['--cpu-prof', `--cpu-prof-dir=${folder}`, `--cpu-prof-interval=${INTERVAL}`];
    const processes = new Processes(cores, ['--expose-gc', ...options]);
    const seconds = await secondsOf(scenario, comparison, processes);
    const [file = ''] = await readdir(folder);
    return describe(JSON.parse(await readFile(join(folder, file), 'utf8')) as CpuProfile, seconds);
  } finally {
    await rm(folder, { recursive: true });
  }
}

/** Measures, and ends the processes at once. @returns how long the rounds took, which are the end of the profile */
async function secondsOf(scenario: Scenario, comparison: Comparison, processes: Processes): Promise<number> {
  try {
    const results = await measure(scenario.name, comparison, processes);
    return results.flatMap(({ rounds }) => rounds).reduce((sum, { seconds }) => sum + seconds, 0);
  } finally {
    await processes.stop();
  }
}

function describe(profile: CpuProfile, last: number): string {
  const rows = selfTimes(profile, last)
    .slice(0, MOST_FUNCTIONS)
    .map(({ name, place, micros, share }) => [
      `${(share * 100).toFixed(1)} %`,
      `${(micros / 1000).toFixed(0)} ms`,
      name,
      place,
    ]);
  return textOf([['self', 'time', 'function', 'where'], ...rows]);
}
