const STATUS_AT = 'HTTP/1.1 '.length;
const OK = Buffer.from('200');

/**
 * Tells when a response is complete. The first one of a connection is parsed; one that arrives whole, as long as the
 * last and with the same status, is not looked at further: a load that parses would cost more than a server that
 * is fast.
 */
export class ResponseReader {
  private usualLength = 0;
  private pending = '';

  /** @returns whether a response is complete @throws Error for a status other than 200 */
  read(chunk: Buffer, length: number): boolean {
    if (this.pending === '' && length === this.usualLength && hasStatusOk(chunk)) return true;
    this.pending += chunk.toString('latin1', 0, length);
    return this.parse();
  }

  private parse(): boolean {
    const end = this.pending.indexOf('\r\n\r\n');
    if (end < 0) return false;
    const head = this.pending.slice(0, end);
    if (!head.startsWith('HTTP/1.1 200 ')) throw new Error(`the server answered ${head}`);
    const [, contentLength] = /\r\ncontent-length: (\d+)/i.exec(head) ?? [];
    if (contentLength === undefined) throw new Error(`an answer without Content-Length: ${head}`);
    const length = end + 4 + Number(contentLength);
    if (this.pending.length < length) return false;
    if (this.pending.length > length) throw new Error('more than one answer to one request');
    this.usualLength = length;
    this.pending = '';
    return true;
  }
}

function hasStatusOk(chunk: Buffer): boolean {
  return chunk.compare(OK, 0, OK.length, STATUS_AT, STATUS_AT + OK.length) === 0;
}
