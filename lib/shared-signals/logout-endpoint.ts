import type { IncomingMessage } from 'node:http';
import { BoundedLog } from '../common/bounded-log.js';
import { renderFields } from '../common/log-fields.js';
import { messageOf } from '../common/message-of.js';
import { type NodeRequest, requestPathOf } from '../request/http-request.js';
import type { LogoutProvider } from './logout-provider.js';
import { BodyError, readBody } from './read-body.js';
import { requireMediaType } from './require-media-type.js';
import { readSet } from './security-event-token.js';
import { SetError } from './set-error.js';
import { endingConnection, NEVER_KEPT, notAllowed, type SignalAnswer } from './signal-answer.js';

const LIMITS = { size: 65_536, time: 10_000 };
const FORM = 'application/x-www-form-urlencoded';

const LOGGED_OUT: SignalAnswer = {
  status: 200,
  headers: { ...NEVER_KEPT, 'Content-Length': '0' },
  body: '',
};

/** The endpoint that OpenID providers tell of sessions that have ended (Back-Channel Logout 1.0 §2.5). */
export class LogoutEndpoint {
  private readonly refused = new BoundedLog();

  /** @param providers by their issuers */
  constructor(
    readonly path: string,
    private readonly providers: ReadonlyMap<unknown, LogoutProvider>,
  ) {}

  /** Whether a request is for this endpoint. */
  concerns(request: NodeRequest): boolean {
    return requestPathOf(request) === this.path;
  }

  /** Answers a request. It never rejects. */
  async answer(request: NodeRequest): Promise<SignalAnswer> {
    try {
      if (request.method !== 'POST') return endingConnection(notAllowed(), request);
      await this.take(request);
      return LOGGED_OUT;
    } catch (error) {
      return endingConnection(this.answerTo(error), request);
    }
  }

  private async take(request: IncomingMessage): Promise<void> {
    requireMediaType(request, FORM);
    const sent = new URLSearchParams(await readBody(request, LIMITS)).getAll('logout_token');
    const [text, ...others] = sent;
    if (text === undefined || others.length > 0)
      throw new SetError('invalid_request', 'it must have one logout_token');
    const token = readSet(text);
    const provider = this.providers.get(token.payload['iss']);
    if (provider === undefined) throw new SetError('invalid_issuer', 'its iss is no provider');
    await provider.receive(token);
  }

  /** Whatever has failed, the logout has (§2.8). */
  private answerTo(error: unknown): SignalAnswer {
    const isTheirs = error instanceof SetError || error instanceof BodyError;
    const kind = isTheirs ? 'refused logout tokens' : 'logout tokens that could not be taken in';
    const line = `a logout token was not accepted: ${renderFields({ why: messageOf(error) })}`;
    this.refused.write(isTheirs ? 'warn' : 'error', kind, line);
    if (error instanceof SetError) return failed('invalid_request', error.description);
    if (error instanceof BodyError) return failed('invalid_request', error.message);
    return failed('temporarily_unavailable', 'it could not be stored, or checked: send it again');
  }
}

function failed(error: string, description: string): SignalAnswer {
  const body = JSON.stringify({ error, error_description: description });
  const headers = {
    ...NEVER_KEPT,
    'Content-Type': 'application/json',
    'Content-Length': String(Buffer.byteLength(body)),
  };
  return { status: 400, headers, body };
}
