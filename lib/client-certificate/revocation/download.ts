import { lookup } from 'node:dns';
import { isIP, type LookupFunction } from 'node:net';
import type { Dispatcher } from 'undici';
import { MAX_HEADER_BYTES, STRICT_TLS } from '../../authorization-server/connection-options.js';
import { isUndiciLoaded, loadUndici, undici } from '../../authorization-server/undici.js';
import { USER_AGENT } from '../../authorization-server/user-agent.js';
import { type AddressCheck } from './allowed-url.js';

/** The bounds of a call. */
export interface DownloadLimits {
  /** Milliseconds for all of it. */
  readonly timeout: number;
  /** Bytes. */
  readonly maxSize: number;
}

/** What is sent; nothing but the request for a document where there is no body. */
export interface Question {
  readonly type: string;
  readonly body: Buffer;
}

/** Calls at the same time: most URLs are called once for all who wait. */
const MOST_CALLS = 64;

/**
 * Calls for lists and answers: bounded in time and size, without redirects, and not to addresses that are private unless they
 * are named.
 */
export class Downloads {
  private agent: Dispatcher | undefined;
  private calls = 0;

  constructor(
    private readonly limits: DownloadLimits,
    private readonly isAllowed: AddressCheck,
  ) {}

  /** @throws Error when no whole answer of status 200 comes */
  async fetch(url: URL, question?: Question): Promise<Buffer> {
    if (this.calls >= MOST_CALLS) throw new Error(`${MOST_CALLS} calls are under way already`);
    this.calls += 1;
    try {
      if (!isUndiciLoaded()) await loadUndici();
      return await this.call(url, question);
    } finally {
      this.calls -= 1;
    }
  }

  /** Whether calls that can wait had better do so. */
  get isBusy(): boolean {
    return this.calls >= MOST_CALLS / 2;
  }

  async close(): Promise<void> {
    await this.agent?.destroy();
  }

  private async call(url: URL, question: Question | undefined): Promise<Buffer> {
    const { timeout, maxSize } = this.limits;
    this.agent ??= this.makeAgent();
    const { statusCode, body } = await undici().request(url, {
      dispatcher: this.agent,
      method: question === undefined ? 'GET' : 'POST',
      headers: {
        'user-agent': USER_AGENT,
        'accept-encoding': 'identity',
        ...(question === undefined ? {} : { 'content-type': question.type }),
      },
      body: question?.body ?? null,
      signal: AbortSignal.timeout(timeout),
    });
    if (statusCode !== 200) {
      // To end it early is an error of the stream, which would end the process where nobody listens.
      body.on('error', () => undefined).destroy();
      throw new Error(`it answered ${statusCode}`);
    }
    const parts: Buffer[] = [];
    let size = 0;
    for await (const part of body as AsyncIterable<Buffer>) {
      size += part.length;
      if (size > maxSize) throw new Error(`it sends more than ${maxSize} bytes`);
      parts.push(part);
    }
    return Buffer.concat(parts);
  }

  private makeAgent(): Dispatcher {
    const { timeout, maxSize } = this.limits;
    return new (undici().Agent)({
      connect: { ...STRICT_TLS, timeout, lookup: this.lookup },
      connections: 4,
      pipelining: 1,
      maxHeaderSize: MAX_HEADER_BYTES,
      maxResponseSize: maxSize,
      headersTimeout: timeout,
      bodyTimeout: timeout,
    });
  }

  /** It is not asked for hosts that are addresses already: those the app has named. */
  private readonly lookup: LookupFunction = (hostname, options, callback) => {
    lookup(hostname, { ...options, all: true }, (error, addresses) => {
      if (error !== null) {
        callback(error, []);
        return;
      }
      const forbidden = addresses.find(({ address }) => isIP(address) === 0 || !this.isAllowed(address));
      const [first] = addresses;
      if (forbidden !== undefined || first === undefined) {
        const found = forbidden === undefined ? 'no address' : `the private address ${forbidden.address}`;
        callback(new Error(`${hostname} stands for ${found}, which privateNetworks does not name`), []);
      } else if (options.all === true) callback(null, addresses);
      else callback(null, first.address, first.family);
    });
  };
}
