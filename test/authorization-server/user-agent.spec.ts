import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { USER_AGENT } from '../../lib/authorization-server/user-agent.js';

test('calls say the name and the version of this package', () => {
  const file = new URL('../../package.json', import.meta.url);
  const { name, version } = JSON.parse(readFileSync(file, 'utf8')) as { name: string; version: string };
  expect(USER_AGENT).toBe(`${name}/${version}`);
});
