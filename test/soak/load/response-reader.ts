/** What of a response is looked at. */
export interface Response {
  readonly status: number;
  readonly retryAfter: string | undefined;
  readonly challenge: string | undefined;
  /** Whether the server ends the connection behind it. */
  readonly last: boolean;
  readonly body: string;
}

/** Puts a response together from what arrives. */
export class ResponseReader {
  private pending = '';

  /** Whether a response has begun. */
  get begun(): boolean {
    return this.pending !== '';
  }

  /** @returns the response when it is complete @throws Error for what is no response to one request */
  read(chunk: Buffer): Response | undefined {
    this.pending += chunk.toString('latin1');
    const end = this.pending.indexOf('\r\n\r\n');
    if (end < 0) return undefined;
    const head = this.pending.slice(0, end);
    const length = end + 4 + Number(field(head, 'content-length') ?? Number.NaN);
    if (Number.isNaN(length)) throw new Error(`a response without Content-Length: ${head}`);
    if (this.pending.length < length) return undefined;
    if (this.pending.length > length) throw new Error('more than one response to one request');
    const body = this.pending.slice(end + 4);
    this.pending = '';
    return {
      status: Number(head.slice(9, 12)),
      retryAfter: field(head, 'retry-after'),
      challenge: field(head, 'www-authenticate'),
      last: field(head, 'connection')?.toLowerCase() === 'close',
      body,
    };
  }
}

function field(head: string, name: string): string | undefined {
  return new RegExp(`\\r\\n${name}: *([^\\r]*)`, 'i').exec(head)?.[1];
}
