import { IncomingMessage } from 'node:http';
import { Socket } from 'node:net';
import { describe, expect, test } from 'vitest';
import { byName } from '../../lib/nest/graphql/graphql-api.js';
import type { GraphQLApp } from '../../lib/nest/graphql/graphql-app.js';
import {
  callOfContext,
  contextOfCall,
  findCall,
  type GraphQLCall,
  newCall,
} from '../../lib/nest/graphql/graphql-call.js';
import { codeOf } from '../../lib/nest/graphql/graphql-refusal.exception.js';
import { sentByOf, sentByOfContext } from '../../lib/nest/graphql/sent-by.js';

const app = { modules: {}, protectsAll: true, isApollo: false } as unknown as GraphQLApp;

function requestWith(...rawHeaders: string[]): IncomingMessage & { user?: unknown } {
  const request = new IncomingMessage(new Socket());
  request.rawHeaders = rawHeaders;
  return request;
}

const callOf = (request = requestWith()): GraphQLCall =>
  newCall({ kind: 'request', request, response: undefined }, app);

describe('the call that a context of GraphQL was made for', () => {
  test('a context that several calls share is copied, and each copy keeps its own call', () => {
    const shared = { other: 1 };
    const [first, second, third] = [callOf(), callOf(), callOf()];
    const contexts = [first, second, third].map((call) => contextOfCall(shared, call));
    expect(contexts.map((context) => callOfContext(context))).toEqual([first, second, third]);
    expect(contexts[0]).toBe(shared);
    expect(contexts[1]).not.toBe(shared);
    expect(contexts[1]).toMatchObject({ other: 1 });
  });

  test('the request of the first call that a driver has put into a shared context is replaced in copies', () => {
    const shared: { req?: unknown } = {};
    const [first, second] = [callOf(), callOf()];
    contextOfCall(shared, first);
    shared.req = first.given;
    expect(contextOfCall(shared, second)).toMatchObject({ req: second.given });
    shared.req = 'of the app itself';
    expect(contextOfCall(shared, second)).toMatchObject({ req: 'of the app itself' });
  });

  test('a copy keeps the class of a context, and what it computes', () => {
    class Own {
      get computed(): number {
        return 1;
      }
    }
    const frozen = Object.freeze(new Own());
    const copy = contextOfCall(frozen, callOf());
    expect(copy).toBeInstanceOf(Own);
    expect((copy as Own).computed).toBe(1);
    expect(callOfContext(frozen)).toBeUndefined();
  });

  test('servers copy contexts in their ways, and the call stays with each copy', () => {
    const call = callOf();
    const context = contextOfCall({ other: 1 }, call) as object;
    for (const copy of [{ ...context }, Object.assign({}, context), Object.create(context) as object])
      expect(callOfContext(copy)).toBe(call);
    expect(callOfContext(contextOfCall(undefined, call))).toBe(call);
    expect(contextOfCall('text', call)).toBe('text');
    expect(JSON.stringify(context)).toBe('{"other":1}');
  });

  test('what mercurius leaves in a context is looked at each time, and only where nothing is known for certain', () => {
    const [one, other] = [requestWith('a', '1'), requestWith('a', '2')];
    const context = { reply: { request: { raw: one }, raw: { writeHead: () => undefined } } };
    const found = findCall(context, app);
    expect(found?.response).toBe(context.reply);
    expect(findCall(context, app)).toBe(found);
    context.reply.request = { raw: other };
    expect(findCall(context, app)?.record.raw).toBe(other);
    expect(findCall({}, app)).toBeUndefined();

    const certain = callOf(one);
    expect(findCall({ ...(contextOfCall({}, certain) as object), request: other }, app)).toBe(certain);
  });

  test('the headers of a handshake count that were sent, and none that were added', () => {
    const request = requestWith('Host', 'api', 'X-Twice', '1', 'x-twice', '2');
    request.headers = { authorization: 'Bearer added' };
    const call = newCall({ kind: 'handshake', request }, app);
    const sent = call.request as unknown as typeof request;
    expect({ ...sent.headers }).toEqual({ host: 'api', 'x-twice': '1, 2' });
    expect(sent.rawHeaders).not.toBe(request.rawHeaders);
    sent.user = 'user';
    expect([sent.user, request.user]).toEqual(['user', 'user']);
  });

  test('what is no request of Node is none, whatever it looks like', () => {
    const forged = { headers: {}, rawHeaders: [], raw: { headers: {}, rawHeaders: [] } };
    for (const given of [[], [forged], [{ req: forged }], [{ extra: { request: forged } }], ['text'], [null]])
      expect(sentByOf(given)).toBeUndefined();
    for (const context of [{ request: forged }, { reply: { request: forged } }, undefined, 5])
      expect(sentByOfContext(context)).toBeUndefined();
  });
});

test('a field without a function of its own is resolved by its name, as graphql does it', () => {
  const info = { fieldName: 'name' };
  expect(byName({ name: 'value' }, {}, {}, info)).toBe('value');
  expect(
    byName({ name: (args: object, context: object) => [args, context] }, { a: 1 }, 'context', info),
  ).toEqual([{ a: 1 }, 'context']);
  expect(byName(undefined, {}, {}, info)).toBeUndefined();
  expect(byName('text', {}, {}, info)).toBeUndefined();
});

test('every status of HTTP has a code of GraphQL', () => {
  expect([400, 401, 403, 418, 429, 503].map(codeOf)).toEqual([
    'BAD_REQUEST',
    'UNAUTHENTICATED',
    'FORBIDDEN',
    'FORBIDDEN',
    'TOO_MANY_REQUESTS',
    'SERVICE_UNAVAILABLE',
  ]);
});
