import { STATUS_CODES } from 'node:http';
import type { RenderedRefusal } from '../challenge/challenge.js';
import type { OAuthError, Refusal } from '../challenge/oauth-error.js';
import { TOLD } from '../challenge/reasons.js';
import type { AuthenticationScheme, RequestTrace } from '../decision.js';
import type { MetadataAnswer } from '../protected-resource/metadata-answer.js';
import type { RefusedRequest } from '../resource-server.js';
import { type HeaderLines, linesOf } from './answer-lines.js';
import type { AskingProxy } from './forward-auth.options.js';

/** What a proxy is answered. */
export interface ForwardAuthAnswer {
  readonly status: number;
  /** All headers but Node's own. Whoever gets them leaves them as they are: they may serve other answers. */
  readonly lines: HeaderLines;
  readonly body: string;
}

/** Passes a request on. */
export function acceptance(lines: HeaderLines): ForwardAuthAnswer {
  return { status: 200, lines, body: '' };
}

/** The same, with a cookie for the client of the proxy. @param cookie `undefined` for none */
export function withCookie(answer: ForwardAuthAnswer, cookie: string | undefined): ForwardAuthAnswer {
  return cookie === undefined ? answer : { ...answer, lines: [...answer.lines, 'Set-Cookie', cookie] };
}

/** Hands out what an API tells of itself. */
export function documentAnswer({ status, headers, body }: MetadataAnswer): ForwardAuthAnswer {
  return { status, lines: linesOf(headers), body };
}

/** An answer is for one request (RFC 9111 §5.2.2.5). */
const JSON_BODY = { 'Content-Type': 'application/json', 'Cache-Control': 'no-store' } as const;

/** An answer of which nothing is to be learned. */
export function statusOnly(status: 403 | 404 | 500): ForwardAuthAnswer {
  const error = STATUS_CODES[status] ?? '';
  return answerWith(status, {}, JSON.stringify({ statusCode: status, error, message: error }));
}

/** The same without a word. */
export function withoutBody(status: 403): ForwardAuthAnswer {
  return answerWith(status, {}, '');
}

function answerWith(
  status: number,
  headers: Readonly<Record<string, string>>,
  body: string,
): ForwardAuthAnswer {
  const length = { 'Content-Length': String(Buffer.byteLength(body)) };
  return { status, lines: linesOf({ ...headers, ...JSON_BODY, ...length }), body };
}

/** nginx knows 401 and 403, and makes 500 of any other refusal; the challenge still says what is wrong. */
function refusalOf(
  { status, challenge, nonce, headers, body }: RenderedRefusal,
  proxy: AskingProxy,
): ForwardAuthAnswer {
  const sent = proxy === 'nginx' && status === 400 ? 401 : status;
  const all = {
    ...headers,
    ...(challenge === undefined ? {} : { 'WWW-Authenticate': challenge }),
    ...(nonce === undefined ? {} : { 'DPoP-Nonce': nonce }),
  };
  return answerWith(sent, all, JSON.stringify({ ...body, statusCode: sent }));
}

/** The refusals that are the same for all requests; the others have a nonce, scopes or a time in them. */
const ALIKE: ReadonlySet<Refusal> = new Set([
  TOLD.unauthenticated,
  TOLD.invalidRequest,
  TOLD.invalidToken,
  TOLD.invalidDpopProof,
]);

/** The refusals of one policy, each rendered once where it can be. */
export class RefusalAnswers {
  private readonly rendered = new Map<Refusal, Map<AuthenticationScheme | undefined, ForwardAuthAnswer>>();

  /** @param render the same for the same refusal and the same scheme */
  constructor(
    private readonly render: (refused: RefusedRequest) => RenderedRefusal,
    private readonly proxy: AskingProxy,
  ) {}

  answerTo(error: OAuthError, trace: RequestTrace): ForwardAuthAnswer {
    if (!ALIKE.has(error.refusal)) return this.make(error, trace);
    const bySchemes =
      this.rendered.get(error.refusal) ?? new Map<AuthenticationScheme | undefined, ForwardAuthAnswer>();
    this.rendered.set(error.refusal, bySchemes);
    const answer = bySchemes.get(trace.scheme) ?? this.make(error, trace);
    bySchemes.set(trace.scheme, answer);
    return answer;
  }

  private make(error: OAuthError, trace: RequestTrace): ForwardAuthAnswer {
    return refusalOf(this.render({ error, trace }), this.proxy);
  }
}
