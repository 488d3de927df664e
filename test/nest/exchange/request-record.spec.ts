import { IncomingMessage } from 'node:http';
import { Socket } from 'node:net';
import { expect, test } from 'vitest';
import type { HttpRequest } from '../../../lib/request/http-request.js';
import {
  decidedBy,
  decidedWithProofsBy,
  forgetDecision,
  recordOf,
} from '../../../lib/nest/exchange/request-record.js';

const received = (): IncomingMessage & HttpRequest => new IncomingMessage(new Socket());

test('a request has one record, whoever asks, and however the platform wraps it', () => {
  const raw = received();
  const record = recordOf(raw);
  expect(record).toMatchObject({ policy: undefined, certificate: undefined, decided: undefined });
  expect(record.raw).toBe(raw);
  expect(recordOf(raw)).toBe(record);
  expect(recordOf({ raw })).toBe(record);
  expect(recordOf(received())).not.toBe(record);
});

test('a request with the headers of another one does not get the decision about that one', () => {
  const [one, other] = [received(), received()];
  one.rawHeaders.push('host', 'api.example.com');
  other.rawHeaders = one.rawHeaders;
  const record = recordOf(one);
  expect(recordOf(other)).not.toBe(record);
  expect(recordOf(other).raw).toBe(other);
  expect(recordOf(one)).not.toBe(record);
});

test('the record cannot be seen among the headers of a request', () => {
  const raw = received();
  raw.rawHeaders.push('host', 'api.example.com');
  recordOf(raw);
  expect([...raw.rawHeaders]).toEqual(['host', 'api.example.com']);
  expect(JSON.stringify(raw.rawHeaders)).toBe('["host","api.example.com"]');
});

test.each([
  ['leaves the list of raw headers out', undefined],
  ['gives every request the same empty list of raw headers', [] as string[]],
])('requests have a record each where an adapter %s', (_, rawHeaders) => {
  const [one, other] = [received(), received()];
  for (const raw of [one, other]) Object.assign(raw, { rawHeaders });
  const records = [recordOf(one), recordOf(other)];
  expect([recordOf(one), recordOf(other)]).toEqual(records);
  expect(recordOf(one)).toBe(records[0]);
  expect(recordOf(other)).toBe(records[1]);
  expect(records[0]).not.toBe(records[1]);
});

test('what several have decided of a request is kept apart, and one can forget its own alone', () => {
  const [one, other, last] = [{}, {}, {}];
  const record = recordOf(received());
  for (const by of [one, other, last])
    record.decided = {
      by,
      proofsBy: by === one ? undefined : other,
      decision: undefined as never,
      before: record.decided,
      userGiven: false,
      passed: undefined,
      passedCalls: undefined,
      reported: false,
    };
  const found = (): readonly boolean[] => [one, other, last].map((by) => decidedBy(record, by)?.by === by);
  expect(found()).toEqual([true, true, true]);
  expect(decidedWithProofsBy(record, other)?.by).toBe(other);
  expect(decidedWithProofsBy(record, last)).toBeUndefined();
  forgetDecision(record, other);
  expect(found()).toEqual([true, false, true]);
  forgetDecision(record, last);
  expect(found()).toEqual([true, false, false]);
  forgetDecision(record, one);
  expect(found()).toEqual([false, false, false]);
});
