import { LRUCache } from 'lru-cache';
import { AuthorizationServerHttp } from '../authorization-server/authorization-server-http.js';
import { refreshRulesOf } from '../authorization-server/refreshed-value.js';
import { RemoteSigningKeys, type SigningKeys } from '../authorization-server/signing-keys.js';
import type { RevocationEntry } from '../cert-bound-auth.options.js';
import { renderFields } from '../common/log-fields.js';
import { SeldomLog } from '../common/seldom-log.js';
import { answerWithin } from '../common/time-limit.js';
import type { JsonObject } from '../jose/json-object.js';
import type { RevokedTokens } from '../revocation/revocation-entry.js';
import type { RevocationList } from '../revocation/revocation-list.js';
import { KEY_CACHE } from './key-cache.js';
import { type Reaction, reactionTo, type SubjectReaction } from './reaction.js';
import {
  type SecurityEvent,
  type SecurityEventToken,
  type UnverifiedSet,
  verifySet,
} from './security-event-token.js';
import { SetError } from './set-error.js';
import type { Signal, SharedSignalsOptions } from './shared-signals.options.js';
import { SignalChannel } from './signal-channel.js';
import { certificateEntries, signalEntries, type SignalTimes } from './signal-entries.js';
import { type Speaker, tokensOfSubject } from './subject.js';
import { TransmitterMetadata } from './transmitter-metadata.js';
import type { TransmitterRules } from './transmitter-rules.js';

/** Tokens that are remembered, so that the app is not told twice. */
const MOST_KNOWN = 10_000;
/** Milliseconds that the app may take for one event. */
const LONGEST_WORK_MS = 10_000;

/** One transmitter: takes what it says into the list of what is revoked. */
export class Transmitter {
  readonly channel: SignalChannel;
  private readonly http: AuthorizationServerHttp;
  private readonly metadata: TransmitterMetadata;
  private readonly keys: SigningKeys;
  private readonly speaker: Speaker;
  private readonly told = new LRUCache<string, true>({ max: MOST_KNOWN });
  private readonly warnings = new SeldomLog('events without effect');

  /** @param shared issuers of tokens that others speak for as well, or this one for several issuers of users */
  constructor(
    readonly rules: TransmitterRules,
    private readonly list: RevocationList,
    private readonly onSignal: SharedSignalsOptions['onSignal'],
    private readonly shared: ReadonlySet<string>,
  ) {
    const { issuer, jwksUri } = rules;
    const refresh = refreshRulesOf(KEY_CACHE);
    this.http = new AuthorizationServerHttp(issuer, rules.http);
    this.metadata = new TransmitterMetadata(issuer, this.http, refresh);
    const keysAt = jwksUri === undefined ? async () => this.metadata.jwksUri() : () => jwksUri;
    this.keys = new RemoteSigningKeys(`keys of the transmitter ${issuer}`, this.http, keysAt, refresh);
    this.speaker = this.speakerOf(rules);
    this.channel = new SignalChannel({ ...rules, issuers: this.speaker.issuers }, list);
  }

  /**
   * Takes a token in. When it resolves, what it says is kept, and may be acknowledged.
   * @throws SetError where it is not accepted; any other error where it must come again
   */
  async receive(set: UnverifiedSet): Promise<void> {
    const { clockTolerance } = this.list.settings;
    const token = await verifySet(set, { ...this.rules, clockTolerance }, this.keys);
    const weighed = await Promise.all(token.events.map(async (event) => this.weigh(event, token)));
    const runs = !weighed.some(({ reaction }) => reaction.kind === 'stream' && !reaction.runs);
    await this.list.revoke([
      ...weighed.flatMap(({ entries }) => entries),
      this.channel.entryOf(token.issuedAt, runs),
    ]);
    this.channel.kept(token.issuedAt, runs);
    if (this.told.has(token.tokenId)) return;
    await Promise.all(weighed.map(async ({ signal }) => this.tell(signal)));
    this.told.set(token.tokenId, true);
  }

  /** Ends the connections to it. */
  async close(): Promise<void> {
    await this.http.close();
  }

  private async weigh(event: SecurityEvent, token: SecurityEventToken): Promise<Weighed> {
    const reaction = reactionTo(event);
    if (reaction.kind === 'verify') await this.requireExpected(reaction.state);
    const subject = token.subject ?? event.payload['subject'];
    const entries = await this.entriesOf(reaction, subject, this.timesOf(event, token));
    const hasEffect = entries.length > 0;
    if (!hasEffect && isMeantForTokens(reaction) && reaction.kind !== 'enable') this.warn(event.type, token);
    const { issuer, tokenId, issuedAt } = token;
    const { type, payload } = event;
    return {
      reaction,
      entries,
      signal: { transmitter: issuer, tokenId, issuedAt, type, subject, event: payload, hasEffect },
    };
  }

  private async entriesOf(
    reaction: Reaction,
    subject: unknown,
    times: SignalTimes,
  ): Promise<readonly RevocationEntry[]> {
    if (!isMeantForTokens(reaction)) return [];
    if (reaction.kind !== 'revoke-certificate') {
      const tokens = await tokensOfSubject(subject, this.speaker);
      return tokens.flatMap((each) => this.entriesAbout(each, reaction, times));
    }
    const ofCertificate = certificateEntries(reaction.certificate, this.speaker.issuers, times);
    // Whichever certificate it is, it is one of this subject: where a proxy hands on its digest alone, no token is found by its name.
    const ofSubject = await this.entriesOf({ kind: 'revoke' }, subject, times);
    return [...ofCertificate, ...ofSubject];
  }

  /** Where others speak for tokens of the same issuer, this one must not take back what they have said. */
  private entriesAbout(
    tokens: RevokedTokens,
    reaction: SubjectReaction,
    times: SignalTimes,
  ): readonly RevocationEntry[] {
    const { kind } = reaction;
    if (!this.shared.has(tokens.issuer)) return signalEntries(reaction, [tokens], times);
    if (kind === 'enable') return [];
    return signalEntries(kind === 'disable' ? { kind: 'revoke' } : reaction, [tokens], times);
  }

  /** An event cannot have happened after it was written down: a time that says so is none. */
  private timesOf({ payload }: SecurityEvent, { issuedAt }: SecurityEventToken): SignalTimes {
    const { event_timestamp: at } = payload;
    const isTime = typeof at === 'number' && at >= 0 && at <= issuedAt;
    const { maxTokenLifetime } = this.list.settings;
    return { happenedAt: isTime ? at : issuedAt, now: Date.now() / 1000, maxTokenLifetime };
  }

  private async requireExpected(state: unknown): Promise<void> {
    if (state === undefined) return;
    const isExpected = typeof state === 'string' && (await this.rules.verifyState?.(state)) === true;
    if (!isExpected) throw new SetError('invalid_state', 'its state was not asked for');
  }

  private async tell(signal: Signal): Promise<void> {
    if (this.onSignal === undefined) return;
    await answerWithin(Promise.resolve(this.onSignal(signal)), 'onSignal', LONGEST_WORK_MS);
  }

  /** Nobody may be revoked whose tokens are accepted nowhere: a subject of somebody else, or one that only `find` could know. */
  private warn(type: string, { issuer, tokenId }: SecurityEventToken): void {
    this.warnings.warn(type, () => {
      const fields = renderFields({ transmitter: issuer, type, jti: tokenId });
      return `an event names no tokens that its transmitter speaks for (subjects): ${fields}`;
    });
  }

  private speakerOf({ issuers, find }: TransmitterRules): Speaker {
    const all = [...new Set(issuers.values())];
    return {
      tokensOf: (issuer) => issuers.get(issuer),
      issuers: all,
      find: async (subject) => foundBy(find, subject, all),
      criticalMembers: async () =>
        this.rules.jwksUri === undefined ? this.metadata.criticalMembers() : new Set(),
    };
  }
}

/** An event, and what comes of it. */
interface Weighed {
  readonly reaction: Reaction;
  readonly entries: readonly RevocationEntry[];
  readonly signal: Signal;
}

type TokenReaction = SubjectReaction | Extract<Reaction, { readonly kind: 'revoke-certificate' }>;

function isMeantForTokens(reaction: Reaction): reaction is TokenReaction {
  const { kind } = reaction;
  return kind !== 'tell' && kind !== 'verify' && kind !== 'stream';
}

/** The word of the app; what it names must be text, or more would be revoked than is meant. */
async function foundBy(
  find: TransmitterRules['find'],
  subject: JsonObject,
  issuers: readonly string[],
): Promise<readonly RevokedTokens[]> {
  const found = await find?.(subject);
  if (found === undefined) return [];
  const { issuer, subject: name } = found;
  if (!issuers.includes(issuer) || typeof name !== 'string' || name === '')
    throw new TypeError('subjects.find must return { issuer, subject }, with an issuer of subjects.issuers');
  return [{ issuer, subject: name }];
}
