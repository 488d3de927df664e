import type { IncomingMessage } from 'node:http';
import { SetError } from './set-error.js';

/** @throws SetError `invalid_request` where a body is of another media type than this one, whatever its parameters */
export function requireMediaType({ headers }: IncomingMessage, expected: string): void {
  const [type = ''] = (headers['content-type'] ?? '').split(';');
  if (type.trim().toLowerCase() !== expected)
    throw new SetError('invalid_request', `its media type is not ${expected}`);
}
