/** A header as it came over the wire. */
export type SentHeader = readonly [name: string, value: string];

/** What an introspection endpoint says of the token: JSON of any kind, or that it failed. */
export type Introspected = { readonly kind: 'json'; readonly json: unknown } | { readonly kind: 'failed' };

/** Everything that an API can see of one request. */
export interface Observation {
  readonly method: string;
  /** The request target (RFC 9112 §3.2). */
  readonly target: string;
  readonly headers: readonly SentHeader[];
  /** The body, where something has parsed it. */
  readonly body?: unknown;
  readonly address: string;
  /** What the peer proved in the TLS handshake. */
  readonly certificate?: { readonly der: Buffer; readonly chainTrusted: boolean };
  readonly introspected?: Introspected;
  /** Milliseconds since the epoch. */
  readonly now: number;
}

/** The values of a header, in the order in which they came (RFC 9110 §5.1: case does not count). */
export function valuesOf({ headers }: Observation, name: string): readonly string[] {
  return headers.filter(([sent]) => sent.toLowerCase() === name.toLowerCase()).map(([, value]) => value);
}
