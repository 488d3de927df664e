import { describe, expect, test } from 'vitest';
import type { HttpRequest } from '../../lib/request/http-request.js';
import { INTERACTION_ID, interactionIdOf } from '../../lib/request/interaction-id.js';

const ID = '93BAC548-D2DE-4546-B106-880A5018460D';

function requestWith(sent: unknown): HttpRequest {
  return { headers: { [INTERACTION_ID]: sent } } as unknown as HttpRequest;
}

describe('the interaction id of a request', () => {
  test('FAPI1-1: a UUID is told as it was sent, of a request of Fastify too', () => {
    for (const sent of [ID, ID.toLowerCase()]) {
      expect(interactionIdOf(requestWith(sent))).toBe(sent);
      expect(interactionIdOf({ raw: requestWith(sent) } as HttpRequest)).toBe(sent);
    }
  });

  test.each([
    undefined,
    '',
    'x',
    `${ID}\n`,
    ` ${ID}`,
    `${ID}, ${ID}`,
    [ID],
    ID.replaceAll('-', ''),
    `{${ID}}`,
    ID.replace('9', 'g'),
  ])('nothing else is ever told, though nobody has looked at the header before: %j', (sent) => {
    expect(interactionIdOf(requestWith(sent))).toBeUndefined();
  });

  test('a call without headers has none', () => {
    expect(interactionIdOf({})).toBeUndefined();
  });
});
