import 'reflect-metadata';
import { afterAll, expect } from 'vitest';
import { takeLeaks, watchForLeaks } from './leaks/watch.js';

watchForLeaks();

// It is registered first, so it runs last, after everything that ends with the tests.
afterAll(() => {
  expect(takeLeaks(), 'what came out holds no token, no proof and no secret').toEqual([]);
});
