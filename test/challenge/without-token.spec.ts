import { describe, expect, test } from 'vitest';
import { invalidToken } from '../../lib/challenge/oauth-error.js';
import { withoutToken } from '../../lib/challenge/without-token.js';

const TOKEN = '2YotnFZFEjr1zCsicMWpAA-2YotnFZFEjr1zCsicMWpBB';

describe('invariant 6: the detail of an error', () => {
  test.each([
    [`aud is ["${TOKEN}"]`, 'aud is ["[token]"]'],
    [`${TOKEN} and ${TOKEN}`, '[token] and [token]'],
    [`aud is ["${TOKEN.slice(0, 20)}…"]`, 'aud is ["[token]…"]'],
    [`aud is ["…${TOKEN.slice(-16)}"]`, 'aud is ["…[token]"]'],
  ])('repeats neither the token nor a long piece of it: %s', (detail, clean) => {
    const cause = new Error('cause');
    const error = withoutToken(
      invalidToken('audience_mismatch', { detail, cause, chosenStatus: 418 }),
      TOKEN,
    );
    expect(error).toMatchObject({
      reason: 'audience_mismatch',
      detail: clean,
      message: `audience_mismatch: ${clean}`,
      cause,
      chosenStatus: 418,
      refusal: { status: 401, code: 'invalid_token' },
    });
  });

  test.each([undefined, 'aud is ["https://api.example.com"]', TOKEN.slice(0, 15)])(
    'stays as it is where it does not: %s',
    (detail) => {
      const error = invalidToken('audience_mismatch', detail === undefined ? {} : { detail });
      expect(withoutToken(error, TOKEN)).toBe(error);
      expect(withoutToken(error, '')).toBe(error);
    },
  );

  test('repeats no short token either', () => {
    const error = invalidToken('audience_mismatch', { detail: 'aud is ["abc-1"]' });
    expect(withoutToken(error, 'abc-1')).toMatchObject({ detail: 'aud is ["[token]"]' });
  });
});
