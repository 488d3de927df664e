import type { RevocationEntry } from '../cert-bound-auth.options.js';
import type { RevocationChannel } from '../revocation/revocation-channel.js';
import type { RevocationList } from '../revocation/revocation-list.js';
import { RevocationMark } from '../revocation/revocation-mark.js';
import type { Delivery } from './transmitter-rules.js';

/** When a transmitter can be relied on. */
export interface ChannelRules {
  readonly issuer: string;
  /** Whose tokens it speaks of. */
  readonly issuers: readonly string[];
  /** Seconds; `undefined`: however long. */
  readonly maxSilence: number | undefined;
  readonly onSilence: 'refuse' | 'carry-on';
  readonly delivery: Pick<Delivery, 'kind'>;
}

/** How a transmitter is doing. */
export interface TransmitterHealth {
  readonly issuer: string;
  /** `silent`: nothing has come for longer than `maxSilence`; `stopped`: it has said that it sends nothing more. */
  readonly state: 'heard' | 'silent' | 'stopped';
  /** When it last said anything, seconds since the epoch; `undefined` where it never has, as far as is known. */
  readonly lastHeard: number | undefined;
}

/** Seconds that a mark is kept for: for as long as a stream may be paused. */
const LONG = 366 * 86_400;

/**
 * Whether a transmitter is heard. It counts when it has written what comes, not when that comes: what is sent again says nothing of
 * now. All instances that share a store know what one of them has heard.
 */
export class SignalChannel implements RevocationChannel {
  readonly issuers: ReadonlySet<string>;
  private readonly since = nowInSeconds();
  private readonly heard: RevocationMark;
  private readonly stopped: RevocationMark;
  private answeredAt: number | undefined;
  private heardAt: number | undefined;
  private stoppedAt: number | undefined;

  constructor(
    private readonly rules: ChannelRules,
    private readonly list: RevocationList,
  ) {
    this.issuers = new Set(rules.issuers);
    this.heard = new RevocationMark(rules.issuer, ['heard']);
    this.stopped = new RevocationMark(rules.issuer, ['stopped']);
  }

  problem(): string | undefined {
    const { onSilence, issuer } = this.rules;
    if (onSilence === 'carry-on') return undefined;
    const { state } = this.health();
    return state === 'heard' ? undefined : `${issuer} is ${state}, which says what is revoked`;
  }

  health(): TransmitterHealth {
    const { issuer, maxSilence = Infinity } = this.rules;
    const event = latestOf(this.list.markAt(this.heard.key), this.heardAt);
    const lastHeard = latestOf(event, this.answeredAt);
    // That it answers says nothing of events.
    const stoppedAt = latestOf(this.list.markAt(this.stopped.key), this.stoppedAt);
    if (stoppedAt !== undefined && stoppedAt >= (event ?? 0)) return { issuer, state: 'stopped', lastHeard };
    const isSilent = nowInSeconds() - this.countsFrom(lastHeard) > maxSilence;
    return { issuer, state: isSilent ? 'silent' : 'heard', lastHeard };
  }

  /** A start is no news of one that pushes, where it is known what it has said; one that is polled has yet to be asked. */
  private countsFrom(lastHeard: number | undefined): number {
    if (lastHeard === undefined) return this.since;
    return this.rules.delivery.kind === 'push' ? lastHeard : Math.max(this.since, lastHeard);
  }

  /** It has answered at this moment, though perhaps with no event. */
  answered(): void {
    this.answeredAt = nowInSeconds();
  }

  /** What has to be kept of an event, for all instances. @param runs `false` where it says that nothing more comes */
  entryOf(issuedAt: number, runs: boolean): RevocationEntry {
    const mark = runs ? this.heard : this.stopped;
    return mark.entryAt(issuedAt, nowInSeconds() + LONG);
  }

  /** The same event is kept. There may have been no room for what is no revocation: this process knows of it all the same. */
  kept(issuedAt: number, runs: boolean): void {
    const at = Math.floor(issuedAt);
    if (runs) this.heardAt = latestOf(this.heardAt, at);
    else this.stoppedAt = latestOf(this.stoppedAt, at);
  }
}

function latestOf(...moments: readonly (number | undefined)[]): number | undefined {
  const known = moments.filter((at) => at !== undefined);
  return known.length === 0 ? undefined : Math.max(...known);
}

function nowInSeconds(): number {
  return Date.now() / 1000;
}
