import { expect, test } from 'vitest';
import { asOutage } from '../../lib/authorization-server/as-outage.js';
import { outage } from '../../lib/challenge/oauth-error.js';

test('INV3: an error that is an outage already stays as it is', () => {
  const error = outage('authorization_server_unreachable', { detail: 'down' });
  expect(asOutage(error)).toBe(error);
});

test.each([
  [new TypeError('odd'), 'odd'],
  ['odd', 'odd'],
])('INV3: the unexpected error %s becomes an outage', (cause, detail) => {
  expect(asOutage(cause)).toMatchObject({
    refusal: { status: 503 },
    reason: 'authorization_server_answer_invalid',
    detail,
    cause,
  });
});
