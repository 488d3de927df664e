import { AuthorizationServerHttp } from '../authorization-server/authorization-server-http.js';
import { invalidAnswer } from '../authorization-server/invalid-answer.js';
import { BoundedLog } from '../common/bounded-log.js';
import { renderFields } from '../common/log-fields.js';
import { log } from '../common/log.js';
import { messageOf } from '../common/message-of.js';
import { type PollAnswer, readPollAnswer } from './poll-answer.js';
import { readSet } from './security-event-token.js';
import { SetError } from './set-error.js';
import type { Transmitter } from './transmitter.js';
import type { PollDelivery } from './transmitter-rules.js';

/** Tokens of one answer. */
const MOST_EVENTS = 100;
const FIRST_PAUSE_MS = 500;
const LONGEST_PAUSE_MS = 60_000;
/** From one call that brings no news to the next. */
const SHORTEST_ROUND_MS = 1_000;

/** What is told of a token that is not accepted. */
interface Refused {
  readonly err: SetError['code'];
  readonly description: string;
}

/**
 * Asks a transmitter for its events, one call after the other, each of which it answers as soon as there are any (RFC 8936). What is
 * stored is acknowledged by the next call, and by every one after it until one is answered.
 */
export class PollStream {
  private readonly http: AuthorizationServerHttp;
  private acknowledged: string[] = [];
  private refused = new Map<string, Refused>();
  private readonly refusals = new BoundedLog();
  /** What the last answer had, by `jti`. */
  private previous: ReadonlySet<string> = new Set();
  private failures = 0;
  private isClosed = false;
  private running: Promise<void> | undefined;
  private wake: () => void = () => undefined;

  constructor(
    private readonly transmitter: Transmitter,
    private readonly delivery: PollDelivery,
  ) {
    const { issuer, http } = transmitter.rules;
    this.http = new AuthorizationServerHttp(issuer, { ...http, timeout: delivery.longPoll * 1_000 });
  }

  /** Begins, or does nothing where it has begun. */
  start(): void {
    this.running ??= this.run();
  }

  /** Ends the call that is under way, and all others. What is not acknowledged then comes again. */
  async close(): Promise<void> {
    this.isClosed = true;
    this.wake();
    await this.http.close();
    await this.running;
  }

  private async run(): Promise<void> {
    let isMore = false;
    while (!this.isClosed) {
      // eslint-disable-next-line no-await-in-loop -- one call after the other
      isMore = await this.pollOnce(isMore);
    }
  }

  /** @returns whether more waits @param isMore whether more was there: then nobody waits for what comes */
  private async pollOnce(isMore: boolean): Promise<boolean> {
    try {
      const began = performance.now();
      const { sets, moreAvailable } = await this.ask(isMore);
      const accepted = await this.takeIn(sets);
      // One of which nothing can be believed, or stored, tells nothing.
      if (sets.length === 0 || accepted > 0) this.transmitter.channel.answered();
      this.succeeded();
      await this.keepDistance(began, sets);
      return moreAvailable;
    } catch (error) {
      if (!this.isClosed) await this.failed(error);
      return false;
    }
  }

  private async ask(returnImmediately: boolean): Promise<PollAnswer> {
    const { acknowledged, refused } = this;
    const { endpoint, authorizationHeader } = this.delivery;
    const authorization =
      typeof authorizationHeader === 'function' ? await authorizationHeader() : authorizationHeader;
    const answer = await this.http.call(endpoint, {
      purpose: 'security-events',
      method: 'POST',
      headers: {
        accept: 'application/json',
        'content-type': 'application/json',
        ...(authorization === undefined ? {} : { authorization }),
        ...(refused.size === 0 ? {} : { 'content-language': 'en' }),
      },
      body: JSON.stringify({
        maxEvents: MOST_EVENTS,
        returnImmediately,
        ...(acknowledged.length === 0 ? {} : { ack: acknowledged }),
        ...(refused.size === 0 ? {} : { setErrs: Object.fromEntries(refused) }),
      }),
    });
    if (answer.status !== 200) throw invalidAnswer(`POST ${endpoint}`, `status ${answer.status}`);
    const found = readPollAnswer(answer.body);
    this.acknowledged = [];
    this.refused = new Map();
    return found;
  }

  /**
   * One by one, in their order, and each by itself: one that cannot be stored is not acknowledged, and keeps no other one back.
   * @returns how many were accepted
   * @throws what has kept the first of them from being stored, when all others are
   */
  private async takeIn(sets: PollAnswer['sets']): Promise<number> {
    const failures: unknown[] = [];
    let accepted = 0;
    for (const [tokenId, set] of sets) {
      try {
        // eslint-disable-next-line no-await-in-loop -- in their order
        await this.takeOne(tokenId, set);
        this.acknowledged.push(tokenId);
        accepted += 1;
      } catch (error) {
        if (error instanceof SetError) this.refuse(tokenId, error);
        else failures.push(error);
      }
      if (this.isClosed) break;
    }
    if (failures.length > 0) throw failures[0];
    return accepted;
  }

  private async takeOne(tokenId: string, jws: string): Promise<void> {
    const set = readSet(jws);
    if (set.payload['jti'] !== tokenId)
      throw new SetError('invalid_request', 'its jti is not that by which it is named');
    await this.transmitter.receive(set);
  }

  private refuse(tokenId: string, { code, description, message }: SetError): void {
    this.refused.set(tokenId, { err: code, description });
    const fields = renderFields({ transmitter: this.transmitter.rules.issuer, why: message });
    this.refusals.write('warn', 'refused security events', `a security event was not accepted: ${fields}`);
  }

  private succeeded(): void {
    if (this.failures > 0) log.log(`polled again after ${this.failures} failures: ${this.fields()}`);
    this.failures = 0;
  }

  /** Not every transmitter lets a call wait until there is news: then it is asked once a second. */
  private async keepDistance(began: number, sets: PollAnswer['sets']): Promise<void> {
    const isNews = sets.some(([tokenId]) => !this.previous.has(tokenId));
    this.previous = new Set(sets.map(([tokenId]) => tokenId));
    const left = SHORTEST_ROUND_MS - (performance.now() - began);
    if (!isNews && left > 0 && !this.isClosed) await this.pause(left);
  }

  /** Waits for a while, longer each time. */
  private async failed(error: unknown): Promise<void> {
    this.failures += 1;
    if (this.failures === 1)
      log.error(
        `security events could not be polled: ${this.fields()} ${renderFields({ why: messageOf(error) })}`,
      );
    const pause = Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** (this.failures - 1));
    await this.pause(pause * (0.5 + Math.random() / 2));
  }

  private async pause(milliseconds: number): Promise<void> {
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, milliseconds).unref();
      this.wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  private fields(): string {
    return renderFields({ transmitter: this.transmitter.rules.issuer });
  }
}
