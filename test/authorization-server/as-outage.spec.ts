import { expect, test } from 'vitest';
import { asOutage } from '../../lib/authorization-server/as-outage.js';
import { outage } from '../../lib/challenge/oauth-error.js';

test('INV3: what is an outage already stays what it is', () => {
  const error = outage('authorization_server_unreachable', { detail: 'down' });
  expect(asOutage(error)).toBe(error);
});

test.each([
  [new TypeError('odd'), 'odd'],
  ['odd', 'odd'],
])('INV3: %s, that nobody has foreseen, is one', (cause, detail) => {
  expect(asOutage(cause)).toMatchObject({
    refusal: { status: 503 },
    reason: 'authorization_server_answer_invalid',
    detail,
    cause,
  });
});
