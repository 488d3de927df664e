import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';

/**
 * The values of a header, one for each time that it was sent: `req.headers` keeps the first of several silently, or
 * joins them; only the raw list tells. Adapters of serverless platforms leave that empty: then the parsed ones count, and
 * what is there twice, as a list or in another spelling, is found there.
 * @param name in lower case
 */
export function headerValues(raw: IncomingMessage, name: string): readonly string[] {
  const { rawHeaders } = raw as Partial<IncomingMessage>;
  if (rawHeaders === undefined || rawHeaders.length === 0) return parsedValues(raw, name);
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

function parsedValues({ headers }: IncomingMessage, name: string): readonly string[] {
  return headerFields(headers)
    .filter(([sent]) => sent.toLowerCase() === name)
    .map(([, value]) => value);
}

/** A header as it was sent. */
export type HeaderField = readonly [name: string, value: string];

/** All headers of a request, in their order. */
export function headerFieldsOf(raw: IncomingMessage): readonly HeaderField[] {
  const { rawHeaders = [], headers } = raw as Partial<IncomingMessage>;
  if (rawHeaders.length === 0) return headerFields(headers);
  return Array.from({ length: rawHeaders.length / 2 }, (_, index) => [
    rawHeaders[2 * index] ?? '',
    rawHeaders[2 * index + 1] ?? '',
  ]);
}

function headerFields(headers: IncomingHttpHeaders = {}): readonly HeaderField[] {
  return Object.entries(headers).flatMap(([name, value = []]) =>
    [value].flat().map((each) => [name, each] as const),
  );
}
