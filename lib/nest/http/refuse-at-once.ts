import { type ServerResponse, STATUS_CODES } from 'node:http';

/** Answers in the shape of Nest's own errors, where nothing of the app has been asked. */
export function refuseAtOnce(response: ServerResponse, statusCode: 400 | 403, message: string): void {
  const body = JSON.stringify({ statusCode, error: STATUS_CODES[statusCode], message });
  response.writeHead(statusCode, {
    'Content-Type': 'application/json; charset=utf-8',
    'Content-Length': Buffer.byteLength(body),
  });
  response.end(body);
}
