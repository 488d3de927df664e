import type { ServerResponse } from 'node:http';
import { BoundedLog } from '../../common/bounded-log.js';
import { isPromise } from '../../common/maybe-promise.js';
import type { NodeRequest } from '../../request/http-request.js';
import type { ProtectedRoute, RoutePolicy } from '../demands/route-policy.js';
import { protect, TOKEN_ALONE } from '../exchange/protect.js';
import { recordOf } from '../exchange/request-record.js';
import { isPreflight } from '../../request/preflight.js';
import { answerTo, type HttpDoor } from './http-door.js';
import { HttpExchange } from './http-exchange.js';

/** By which an answer begins, and goes on. */
type Step = 'writeHead' | 'write' | 'end' | 'flushHeaders';
type Method = (this: ServerResponse, ...args: readonly unknown[]) => unknown;

/** The methods of a response through which every answer goes. */
export type AnswerNet = Readonly<Record<Step, Method>>;

/** The same methods without the net. */
type Below = AnswerNet;

/** An answer that waits for a decision, or that is not sent. */
const HELD = Symbol('held answer');

/** A step of an answer, as it was called. */
interface Taken {
  readonly step: Step;
  readonly args: readonly unknown[];
}

interface Waiting {
  readonly kind: 'waiting';
  readonly steps: Taken[];
}

interface WithHeld {
  [HELD]?: Waiting | { readonly kind: 'refused' };
}

const late = new BoundedLog();

/**
 * The net below the door: an answer below 400 leaves only where somebody has decided about its request, or where it is public.
 * Else the decision is made now, by the same rules as at the door: the answer waits for it, and is withheld from whoever
 * may not have it. Middleware that answers by itself comes here; what it has done by then, it has done.
 * @param below the same methods of a response without the net
 */
export function answerNet(door: HttpDoor, below: (response: ServerResponse) => Below): AnswerNet {
  const caught = (response: ServerResponse, step: Step, args: readonly unknown[]): unknown =>
    take(door, below(response), response, { step, args });
  // Written out, and the arguments only handed on: every answer comes through here twice.
  return {
    writeHead(...args) {
      return isFree(door, this) ? below(this).writeHead.call(this, ...args) : caught(this, 'writeHead', args);
    },
    write(...args) {
      return isFree(door, this) ? below(this).write.call(this, ...args) : caught(this, 'write', args);
    },
    end(...args) {
      return isFree(door, this) ? below(this).end.call(this, ...args) : caught(this, 'end', args);
    },
    flushHeaders(...args) {
      return isFree(door, this)
        ? below(this).flushHeaders.call(this, ...args)
        : caught(this, 'flushHeaders', args);
    },
  };
}

/** Whether the answer has been found to be one that may leave, or is found to be so now because its request is decided. */
function isFree({ authenticator }: HttpDoor, response: ServerResponse): boolean {
  const record = recordOf(requestOf(response));
  if (record.answerableBy === authenticator) return true;
  if ((response as WithHeld)[HELD] !== undefined || response.headersSent) return false;
  const { policy, anonymous } = record;
  const isOpen = policy?.kind === 'public' || anonymous;
  if (!isOpen && !authenticator.of(routeAt(policy)).hasDecided(record)) return false;
  record.answerableBy = authenticator;
  return true;
}

/** What becomes of a step of an answer that is not free. */
function take(door: HttpDoor, below: Below, response: ServerResponse, taken: Taken): unknown {
  const { step, args } = taken;
  const held = (response as WithHeld)[HELD];
  if (held?.kind === 'refused') return afterwards(response, step);
  if (held !== undefined) {
    held.steps.push(taken);
    return step === 'write' ? false : response;
  }
  return mayLeave(door, response, step, args)
    ? pass(below, response, step, args)
    : decide(door, below, response, taken);
}

function requestOf({ req }: ServerResponse): NodeRequest {
  return req;
}

function pass(below: Below, response: ServerResponse, step: Step, args: readonly unknown[]): unknown {
  return Reflect.apply(below[step], response, args);
}

/** Whether a step may go on though nobody has decided. */
function mayLeave(
  { isPublic }: HttpDoor,
  response: ServerResponse,
  step: Step,
  args: readonly unknown[],
): boolean {
  if (response.headersSent) return true;
  const status = step === 'writeHead' ? Number(args[0]) : response.statusCode;
  if (status >= 400) return true;
  const hasBody = status !== 204 && (step !== 'end' || isChunk(args[0]));
  return (isPreflight(response.req) && !hasBody) || isPublic(requestOf(response));
}

/** What an answer needs: what is decided by the policy of its route, or by the module itself where none is known. */
function routeAt(policy: RoutePolicy | undefined): ProtectedRoute {
  return policy?.policy === undefined ? TOKEN_ALONE : { ...TOKEN_ALONE, policy: policy.policy };
}

/** What `end` is given may be its callback. */
function isChunk(value: unknown): boolean {
  return value !== undefined && value !== null && typeof value !== 'function';
}

function decide({ authenticator }: HttpDoor, below: Below, response: ServerResponse, first: Taken): unknown {
  const exchange = new HttpExchange(requestOf(response), response);
  const what = `${response.req.method} is answered by what is no handler of Nest, before anyone has decided about the request`;
  late.write(
    'warn',
    'an answer that nobody has decided about',
    `${what}: it is decided about now, but what its middleware has done is done; give the middleware a path, so that it is decided first`,
  );
  try {
    const passed = protect(authenticator, exchange, routeAt(exchange.record.policy));
    if (!isPromise(passed)) return pass(below, response, first.step, first.args);
    const waiting: Waiting = { kind: 'waiting', steps: [first] };
    (response as WithHeld)[HELD] = waiting;
    passed.then(
      () => release(below, response, waiting),
      (error: unknown) => withhold(below, response, error),
    );
    return first.step === 'write' ? false : response;
  } catch (error) {
    withhold(below, response, error);
    return afterwards(response, first.step);
  }
}

function release(below: Below, response: ServerResponse, { steps }: Waiting): void {
  delete (response as WithHeld)[HELD];
  const wrote = steps.map(({ step, args }) => pass(below, response, step, args)).at(-1);
  // Whoever waits for it to take more waits for an event that it would not send.
  if (steps.at(-1)?.step === 'write' && wrote === true) response.emit('drain');
}

/** What a client must see of a refusal. */
const KEPT = /^(?:access-control-.*|vary|www-authenticate|dpop-nonce|retry-after|x-fapi-interaction-id)$/;

function withhold(below: Below, response: ServerResponse, error: unknown): void {
  (response as WithHeld)[HELD] = { kind: 'refused' };
  for (const name of response.getHeaderNames()) if (!KEPT.test(name)) response.removeHeader(name);
  const { status, body } = answerTo(error);
  const text = JSON.stringify(body);
  const headers = {
    'Content-Type': 'application/json; charset=utf-8',
    'Content-Length': Buffer.byteLength(text),
  };
  pass(below, response, 'writeHead', [status, headers]);
  pass(below, response, 'end', [text]);
}

/** What is told of a step of an answer that is not sent any more. */
function afterwards(response: ServerResponse, step: Step): unknown {
  return step === 'write' ? true : response;
}
