import type { IncomingMessage } from 'node:http';

/**
 * The values of a header, one for each time that it was sent: `req.headers` keeps the first of several silently, or
 * joins them; only the raw list tells.
 * @param name in lower case
 */
export function headerValues(raw: IncomingMessage, name: string): readonly string[] {
  const { rawHeaders } = raw;
  let values: string[] | undefined;
  // Stryker disable next-line EqualityOperator: behind the last pair there is nothing that could be equal
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const sent = rawHeaders[index];
    // Stryker disable next-line ConditionalExpression,OptionalChaining: lengths only spare work
    if (sent?.length === name.length && sent.toLowerCase() === name) {
      // Stryker disable next-line StringLiteral: Node has pairs
      const value = rawHeaders[index + 1] ?? '';
      // An empty array that something is pushed to makes room for seventeen.
      if (values === undefined) values = [value];
      else values.push(value);
    }
  }
  return values ?? [];
}
