import type { IncomingMessage } from 'node:http';

/**
 * The values of a header, one for each time that it was sent: `req.headers` keeps the first of several silently, or
 * joins them; only the raw list tells.
 * @param name in lower case
 */
export function headerValues(raw: IncomingMessage, name: string): readonly string[] {
  const { rawHeaders } = raw;
  const values: string[] = [];
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const sent = rawHeaders[index];
    if (sent?.length === name.length && sent.toLowerCase() === name) values.push(rawHeaders[index + 1] ?? '');
  }
  return values;
}
