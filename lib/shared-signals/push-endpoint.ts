import type { IncomingMessage } from 'node:http';
import { BoundedLog } from '../common/bounded-log.js';
import { equalInConstantTime } from '../common/equal-in-constant-time.js';
import { renderFields } from '../common/log-fields.js';
import { messageOf } from '../common/message-of.js';
import { type NodeRequest, requestPathOf } from '../request/http-request.js';
import { BodyError, readBody } from './read-body.js';
import { requireMediaType } from './require-media-type.js';
import { readSet, SET_MEDIA_TYPE, type UnverifiedSet } from './security-event-token.js';
import { SetError } from './set-error.js';
import { answerToFailure, endingConnection, KEPT, notAllowed, type SignalAnswer } from './signal-answer.js';
import type { Transmitter } from './transmitter.js';

/** A token has a few hundred bytes. */
const LIMITS = { size: 65_536, time: 10_000 };

/** The endpoint that transmitters push tokens to (RFC 8935). */
export class PushEndpoint {
  private readonly refused = new BoundedLog();
  private readonly headers: readonly (string | undefined)[];

  /** @param transmitters by their issuers: those that push, and others */
  constructor(
    readonly path: string,
    private readonly transmitters: ReadonlyMap<unknown, Transmitter>,
  ) {
    this.headers = [...transmitters.values()].flatMap(({ rules: { delivery } }) =>
      delivery.kind === 'push' ? [delivery.authorizationHeader] : [],
    );
  }

  /** Whether a request is for this endpoint. */
  concerns(request: NodeRequest): boolean {
    return requestPathOf(request) === this.path;
  }

  /** Answers a request. It never rejects. */
  async answer(request: NodeRequest): Promise<SignalAnswer> {
    try {
      if (request.method !== 'POST') return endingConnection(notAllowed(), request);
      await this.take(request);
      return KEPT;
    } catch (error) {
      this.note(error);
      return endingConnection(answerToFailure(error), request);
    }
  }

  private async take(request: IncomingMessage): Promise<void> {
    checkMediaType(request);
    const { authorization } = request.headers;
    // Nothing more is done for whom no transmitter can be.
    if (!this.headers.some((expected) => isExpected(authorization, expected))) throw notAuthenticated();
    const set = readSet((await readBody(request, LIMITS)).trim());
    const transmitter = this.transmitterOf(set);
    const { delivery } = transmitter.rules;
    if (delivery.kind !== 'push') throw new SetError('access_denied', 'its transmitter does not push');
    if (!isExpected(authorization, delivery.authorizationHeader)) throw notAuthenticated();
    await transmitter.receive(set);
  }

  private transmitterOf({ payload }: UnverifiedSet): Transmitter {
    const transmitter = this.transmitters.get(payload['iss']);
    if (transmitter === undefined) throw new SetError('invalid_issuer', 'its iss is no transmitter');
    return transmitter;
  }

  private note(error: unknown): void {
    const [level, kind] =
      error instanceof SetError || error instanceof BodyError
        ? (['warn', 'refused security events'] as const)
        : (['error', 'security events that could not be taken in'] as const);
    this.refused.write(
      level,
      kind,
      `a security event was not accepted: ${renderFields({ why: messageOf(error) })}`,
    );
  }
}

function checkMediaType(request: IncomingMessage): void {
  requireMediaType(request, SET_MEDIA_TYPE);
  if (!['', 'identity'].includes((request.headers['content-encoding'] ?? '').toLowerCase()))
    throw new SetError('invalid_request', 'it has a content coding');
}

function isExpected(given: string | undefined, expected: string | undefined): boolean {
  return expected === undefined || (given !== undefined && equalInConstantTime(given, expected));
}

function notAuthenticated(): SetError {
  return new SetError('authentication_failed', 'the header Authorization is not what was agreed upon');
}
