import * as whole from 'class-validator';
import { describe, expect, test } from 'vitest';
import * as used from '../../lib/options/class-validator.js';

describe('the files of class-validator that this package loads', () => {
  test.each(Object.entries(used))('%s is that of the package as a whole', (name, value) => {
    expect(new Map<string, unknown>(Object.entries(whole)).get(name)).toBe(value);
  });
});
