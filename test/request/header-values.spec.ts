import { IncomingMessage } from 'node:http';
import { Socket } from 'node:net';
import { expect, test } from 'vitest';
import { headerFieldsOf, headerValues } from '../../lib/request/header-values.js';

/** What an adapter makes of the event of a serverless platform. */
function adapted(headers: object, rawHeaders?: readonly string[]): IncomingMessage {
  return Object.assign(new IncomingMessage(new Socket()), { headers, ...(rawHeaders && { rawHeaders }) });
}

test('the raw headers count where there are any, whatever is parsed', () => {
  const raw = adapted({ authorization: 'parsed', other: 'parsed' }, [
    'Authorization',
    'raw',
    'AUTHORIZATION',
    'again',
  ]);
  expect(headerValues(raw, 'authorization')).toEqual(['raw', 'again']);
  expect(headerValues(raw, 'other')).toEqual([]);
  expect(headerFieldsOf(raw)).toEqual([
    ['Authorization', 'raw'],
    ['AUTHORIZATION', 'again'],
  ]);
});

test('the parsed headers count, in any spelling, where an adapter has filled in these alone', () => {
  const raw = adapted({ Authorization: 'Bearer a', 'x-cert': ['one', 'two'], 'x-none': undefined });
  expect(headerValues(raw, 'authorization')).toEqual(['Bearer a']);
  expect(headerValues(raw, 'x-cert')).toEqual(['one', 'two']);
  expect(headerValues(raw, 'x-none')).toEqual([]);
  expect(headerFieldsOf(raw)).toEqual([
    ['Authorization', 'Bearer a'],
    ['x-cert', 'one'],
    ['x-cert', 'two'],
  ]);
});

test('a header that is there in two spellings is there twice', () => {
  const raw = adapted({ Authorization: 'Bearer a', authorization: 'Bearer b' });
  expect(headerValues(raw, 'authorization')).toEqual(['Bearer a', 'Bearer b']);
});

test('a request without any headers has none, whatever the adapter left out', () => {
  for (const request of [{}, { rawHeaders: [] }, { headers: {} }]) {
    const raw = request as unknown as IncomingMessage;
    expect([headerValues(raw, 'authorization'), headerFieldsOf(raw)]).toEqual([[], []]);
  }
});
