const STATUS_AT = 'HTTP/1.1 '.length;

/**
 * Tells when a response is complete. The first one of a connection is parsed; one that arrives whole, as long as the
 * last and with the same status, is not looked at further: a load that parses would cost more than a server that
 * is fast.
 */
export class ResponseReader {
  private usualLength = 0;
  private readonly expected: Buffer;
  private pending = '';

  /** @param status that every response must have */
  constructor(private readonly status = 200) {
    this.expected = Buffer.from(String(status));
  }

  /** @returns whether a response is complete @throws Error for another status */
  read(chunk: Buffer, length: number): boolean {
    if (this.pending === '' && length === this.usualLength && this.isExpected(chunk)) return true;
    this.pending += chunk.toString('latin1', 0, length);
    return this.parse();
  }

  private parse(): boolean {
    const end = this.pending.indexOf('\r\n\r\n');
    if (end < 0) return false;
    const head = this.pending.slice(0, end);
    if (!head.startsWith(`HTTP/1.1 ${this.status} `)) throw new Error(`the server answered ${head}`);
    const [, contentLength] = /\r\ncontent-length: (\d+)/i.exec(head) ?? [];
    if (contentLength === undefined) throw new Error(`an answer without Content-Length: ${head}`);
    const length = end + 4 + Number(contentLength);
    if (this.pending.length < length) return false;
    if (this.pending.length > length) throw new Error('more than one answer to one request');
    this.usualLength = length;
    this.pending = '';
    return true;
  }

  private isExpected(chunk: Buffer): boolean {
    const { expected } = this;
    return chunk.compare(expected, 0, expected.length, STATUS_AT, STATUS_AT + expected.length) === 0;
  }
}
