import cluster from 'node:cluster';

/** What Node and PM2 tell a process about itself. */
interface Process {
  readonly isClusterWorker: boolean;
  readonly env: Readonly<Record<string, string | undefined>>;
}

const THIS_PROCESS: Process = { isClusterWorker: cluster.isWorker, env: process.env };

/**
 * Says what other processes serve the same API beside this one, where the process can know it: in Node's cluster and under
 * PM2. Replicas on other machines or in other containers cannot be seen from here.
 * @returns `undefined` where none are known
 */
export function siblingProcesses({ isClusterWorker, env } = THIS_PROCESS): string | undefined {
  const siblings = env['pm_id'] === undefined ? undefined : siblingsUnderPm2(env);
  return siblings ?? (isClusterWorker && !isWorkerOfPm2(env) ? `a worker of Node's cluster` : undefined);
}

/** In fork mode PM2 has no workers: one that is there belongs to a cluster of the app itself, and has only inherited the variables. */
function isWorkerOfPm2(env: Process['env']): boolean {
  return env['pm_id'] !== undefined && env['exec_mode'] !== 'fork_mode';
}

/** PM2 sets these in cluster mode and in fork mode alike. An instance that `pm2 scale` adds still reads the old count. */
function siblingsUnderPm2({ instances, NODE_APP_INSTANCE }: Process['env']): string | undefined {
  const isOnlyOne = (instances ?? '1') === '1' && (NODE_APP_INSTANCE ?? '0') === '0';
  return isOnlyOne ? undefined : 'one of several instances under PM2';
}
