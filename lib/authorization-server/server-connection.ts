import type { Dispatcher } from 'undici';
import { AnswerReader } from './answer-reader.js';
import { ACCEPTED_CODINGS } from './decode-body.js';
import type { HttpAnswer, HttpCall } from './http-call.js';
import { USER_AGENT } from './user-agent.js';

/** Without a list of codings a server may choose any (RFC 9110 §12.5.3). */
const HEADERS = { 'user-agent': USER_AGENT, 'accept-encoding': ACCEPTED_CODINGS };

/** One connection to an authorization server: opened when needed, kept alive, for one call at a time. */
export class ServerConnection {
  /** Whether the connection that stands has brought an answer already. */
  private reused = false;

  /**
   * @param origin scheme, host and port
   * @param client makes one call at a time, by itself or through a proxy
   * @param limit the most bytes of a body when it is decoded
   */
  constructor(
    readonly origin: string,
    private readonly client: Dispatcher,
    private readonly limit: number,
  ) {
    this.client.on('connect', () => {
      this.reused = false;
    });
  }

  /**
   * Sends a call, and once more where a kept connection turns out to be dead before a byte of the answer has come: the
   * server has closed it while it was idle. The second time is on a new connection. Undici repeats nothing by itself.
   *
   * It may be done with a POST too, for introspection only asks (RFC 7662 §2.1; RFC 9110 §9.2.2), and an assertion of
   * ours that was sent on a dead connection has not been used up.
   * @param signal ends both tries
   */
  async send(url: URL, call: HttpCall, signal: AbortSignal): Promise<HttpAnswer> {
    const first = new AnswerReader(signal, this.limit);
    try {
      return await this.dispatch(url, call, first);
    } catch (error) {
      if (!this.reused || first.begun || !isClosed(error)) throw error;
      return this.dispatch(url, call, new AnswerReader(signal, this.limit));
    }
  }

  /** Ends the connection, and a call on it. */
  async close(): Promise<void> {
    await this.client.destroy();
  }

  private async dispatch(url: URL, call: HttpCall, reader: AnswerReader): Promise<HttpAnswer> {
    const { method, body = null } = call;
    const headers = { ...HEADERS, ...call.headers };
    const { origin } = this;
    this.client.dispatch({ origin, path: url.pathname + url.search, method, headers, body }, reader);
    const answer = await reader.answer;
    this.reused = true;
    return answer;
  }
}

const CLOSED: ReadonlySet<unknown> = new Set(['UND_ERR_SOCKET', 'ECONNRESET', 'EPIPE']);

function isClosed(error: unknown): boolean {
  return CLOSED.has((error as { readonly code?: unknown }).code);
}
