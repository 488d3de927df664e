import { spawnSync } from 'node:child_process';
import { availableParallelism } from 'node:os';

/** Which core each process runs on; `undefined`: any. */
export interface Cores {
  readonly server: number | undefined;
  readonly load: number | undefined;
}

/** A core for the server and another one for the load, where there are two and `taskset` can be run. */
export function chooseCores(pin: boolean): Cores {
  const possible =
    pin && availableParallelism() > 1 && spawnSync('taskset', ['-c', '0,1', 'true']).status === 0;
  return possible ? { server: 0, load: 1 } : { server: undefined, load: undefined };
}
