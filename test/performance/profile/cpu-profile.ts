import { relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ROOT } from '../paths.js';

/** What is read of a `.cpuprofile`. */
export interface CpuProfile {
  readonly nodes: readonly ProfileNode[];
  /** The node that was running at each sample. */
  readonly samples: readonly number[];
  /** Microseconds before each sample. */
  readonly timeDeltas: readonly number[];
  /** Microseconds of a clock of its own, as {@link endTime}. */
  readonly startTime: number;
  readonly endTime: number;
}

interface ProfileNode {
  readonly id: number;
  readonly callFrame: {
    readonly functionName: string;
    readonly url: string;
    readonly lineNumber: number;
  };
}

/** A function, and the time that was spent in itself. */
export interface SelfTime {
  readonly name: string;
  readonly place: string;
  readonly micros: number;
  /** Of the time in which anything ran. */
  readonly share: number;
}

/**
 * The functions of a profile by the time that was spent in themselves, the greatest first; idle time left out.
 * @param last how many seconds at the end of the profile count
 */
export function selfTimes(profile: CpuProfile, last: number): readonly SelfTime[] {
  const { nodes, samples, timeDeltas, startTime, endTime } = profile;
  const from = endTime - last * 1e6;
  const frames = new Map(nodes.map(({ id, callFrame }) => [id, callFrame]));
  const times = new Map<string, { readonly name: string; readonly place: string; micros: number }>();
  let now = startTime;
  for (const [index, sample] of samples.entries()) {
    now += timeDeltas[index] ?? 0;
    if (now < from) continue;
    const { functionName = '', url = '', lineNumber = 0 } = frames.get(sample) ?? {};
    if (functionName === '(idle)' || functionName === '(root)') continue;
    const place = placeOf(url, lineNumber);
    const name = functionName === '' ? '(anonymous)' : functionName;
    const key = `${name} ${place}`;
    const time = times.get(key) ?? { name, place, micros: 0 };
    time.micros += timeDeltas[index] ?? 0;
    times.set(key, time);
  }
  const all = [...times.values()].toSorted((a, b) => b.micros - a.micros);
  const total = all.reduce((sum, { micros }) => sum + micros, 0);
  return all.map((time) => ({ ...time, share: time.micros / total }));
}

function placeOf(url: string, line: number): string {
  if (url === '') return '';
  return `${url.startsWith('file:') ? relative(ROOT, fileURLToPath(url)) : url}:${line + 1}`;
}
