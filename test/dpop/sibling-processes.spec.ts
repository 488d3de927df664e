import { describe, expect, test } from 'vitest';
import { siblingProcesses } from '../../lib/dpop/sibling-processes.js';

const PM2 = 'one of several instances under PM2';

describe('RFC9449-11: what a process knows of others that serve the same API', () => {
  // As PM2 7 sets them; numbers in its environment are text.
  test.each([
    ['a process of its own has none', false, {}, undefined],
    ['a worker of Node’s cluster has some', true, {}, `a worker of Node's cluster`],
    [
      'two instances of PM2 in cluster mode know of each other',
      true,
      { pm_id: '0', instances: '2', NODE_APP_INSTANCE: '0' },
      PM2,
    ],
    [
      'two instances of PM2 in fork mode know of each other',
      false,
      { pm_id: '0', instances: '2', NODE_APP_INSTANCE: '0' },
      PM2,
    ],
    ['PM2 with an instance for each core has several', true, { pm_id: '0', instances: 'max' }, PM2],
    [
      'an instance that pm2 scale has added knows of the first',
      true,
      { pm_id: '1', instances: '1', NODE_APP_INSTANCE: '1' },
      PM2,
    ],
    [
      'a single instance of PM2 in cluster mode has no others',
      true,
      { pm_id: '0', instances: '1', NODE_APP_INSTANCE: '0' },
      undefined,
    ],
    [
      'a worker of a cluster that an only instance of PM2 in fork mode has made has some',
      true,
      { pm_id: '0', instances: '1', NODE_APP_INSTANCE: '0', exec_mode: 'fork_mode' },
      `a worker of Node's cluster`,
    ],
    [
      'a single instance of PM2 that says its cluster mode has no others',
      true,
      { pm_id: '1', instances: '1', NODE_APP_INSTANCE: '0', exec_mode: 'cluster_mode' },
      undefined,
    ],
    ['a single instance of PM2 in fork mode has no others', false, { pm_id: '3', instances: '1' }, undefined],
  ])('%s', (_, isClusterWorker, env, expected) => {
    expect(siblingProcesses({ isClusterWorker, env })).toBe(expected);
  });

  test('a test runner’s own process is no worker of a cluster', () => {
    expect(siblingProcesses()).toBeUndefined();
  });
});
