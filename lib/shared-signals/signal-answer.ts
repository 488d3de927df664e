import type { IncomingMessage } from 'node:http';
import { BodyError } from './read-body.js';
import { SetError } from './set-error.js';

/** What whoever sends a token is answered. */
export interface SignalAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** Nobody may keep an answer. */
export const NEVER_KEPT = { 'Cache-Control': 'no-store', 'X-Content-Type-Options': 'nosniff' };

/** It is kept (RFC 8935 §2.2). */
export const KEPT: SignalAnswer = {
  status: 202,
  headers: { ...NEVER_KEPT, 'Content-Length': '0' },
  body: '',
};

/** Seconds after which to send it again. */
const RETRY_AFTER = '5';

/** What a request is answered that has failed by this. @see RFC 8935 §2.3, §2.4 */
export function answerToFailure(error: unknown): SignalAnswer {
  if (error instanceof SetError) return told(400, error.code, error.description);
  if (error instanceof BodyError) return told(error.status, 'invalid_request', error.message);
  return {
    status: 503,
    headers: { ...NEVER_KEPT, 'Content-Length': '0', 'Retry-After': RETRY_AFTER },
    body: '',
  };
}

/** For any other method than POST. */
export function notAllowed(): SignalAnswer {
  return { status: 405, headers: { ...NEVER_KEPT, 'Content-Length': '0', Allow: 'POST' }, body: '' };
}

/** Where its body was not read, the connection is of no more use. */
export function endingConnection(
  answer: SignalAnswer,
  { httpVersionMajor, complete }: IncomingMessage,
): SignalAnswer {
  if (complete || httpVersionMajor > 1) return answer;
  return { ...answer, headers: { ...answer.headers, Connection: 'close' } };
}

function told(status: number, err: string, description: string): SignalAnswer {
  const body = JSON.stringify({ err, description });
  return {
    status,
    headers: {
      ...NEVER_KEPT,
      'Content-Type': 'application/json',
      'Content-Language': 'en',
      'Content-Length': String(Buffer.byteLength(body)),
    },
    body,
  };
}
