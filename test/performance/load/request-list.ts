import type { ConnectionKind } from './clients-options.js';
import type { Credentials } from './credentials-file.js';

/** Requests as the bytes that go over the wire, made before anything is measured. */
export class RequestList {
  private position = 0;
  private left = 0;

  constructor(private readonly requests: readonly Buffer[]) {}

  /** One for each of these credentials. */
  static with(credentials: readonly Credentials[], path: string, connection: ConnectionKind): RequestList {
    return new RequestList(credentials.map((each) => Buffer.from(textOf(each, path, connection))));
  }

  /** How many requests {@link next} gives out from now on, and which one is the first; from the last on to the first. */
  rewind(from: number, count: number): void {
    this.position = from % this.requests.length;
    this.left = count;
  }

  /** The next request; `undefined` when there is no more. */
  next(): Buffer | undefined {
    if (this.left === 0) return undefined;
    this.left -= 1;
    const request = this.requests[this.position];
    this.position += 1;
    if (this.position === this.requests.length) this.position = 0;
    return request;
  }

  /** No further request. */
  end(): void {
    this.left = 0;
  }
}

function textOf({ token, proof }: Credentials, path: string, connection: ConnectionKind): string {
  const lines = [
    `GET ${path} HTTP/1.1`,
    'Host: localhost',
    ...(proof === undefined ? [`Authorization: Bearer ${token}`] : [`Authorization: DPoP ${token}`]),
    ...(proof === undefined ? [] : [`DPoP: ${proof}`]),
    ...(connection === 'close' ? ['Connection: close'] : []),
  ];
  return `${lines.join('\r\n')}\r\n\r\n`;
}
