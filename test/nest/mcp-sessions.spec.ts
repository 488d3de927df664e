import { expect, test } from 'vitest';
import { SessionHandlers } from '../../lib/nest/microservices/mcp-sessions.js';

const METHOD = 'tools/call';
const sentBy = (authInfo?: object): object => ({ http: { authInfo } });

/** A session with a handler for each of these requests. */
function sessionOf(...requests: readonly (object | undefined)[]): SessionHandlers {
  const session = new SessionHandlers();
  for (const [index, authInfo] of requests.entries())
    session.handlersFor(authInfo).set(METHOD, () => ({ request: index }));
  return session;
}

test('a message of a session is answered by the handlers of its own request, whatever request came after it', () => {
  const [one, other] = [{}, {}];
  const answer = sessionOf(one, other).answering(METHOD);
  expect(answer({}, sentBy(one))).toEqual({ request: 0 });
  expect(answer({}, sentBy(other))).toEqual({ request: 1 });
  expect(answer({}, { authInfo: one })).toEqual({ request: 0 });
});

test('a message that cannot be told from those of other requests of its session is refused', () => {
  const answer = sessionOf({}, {}).answering(METHOD);
  for (const context of [undefined, {}, sentBy(), sentBy({})])
    expect(() => answer({}, context)).toThrow('Unauthorized');
  expect(() => sessionOf({}).answering('tools/list')({}, {})).toThrow('Unauthorized');
});

test('a message is answered by the handlers of the only request, where one has come, or none of HTTP', () => {
  expect(sessionOf(undefined).answering(METHOD)({}, {})).toEqual({ request: 0 });
  expect(sessionOf({}).answering(METHOD)({}, undefined)).toEqual({ request: 0 });
});
