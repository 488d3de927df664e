import 'reflect-metadata';
import { afterAll, expect } from 'vitest';
import { logToNest } from '../../lib/nest/log/log-to-nest.js';
import { takeLeaks, watchForLeaks } from './leaks/watch.js';

watchForLeaks();
// A test of one part loads no module, which does this.
logToNest();

// It is registered first, so it runs last, after everything that ends with the tests.
afterAll(() => {
  expect(takeLeaks(), 'what came out holds no token, no proof and no secret').toEqual([]);
});
