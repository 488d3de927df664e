import type { RevocationList } from '../revocation/revocation-list.js';
import { PollStream } from './poll-stream.js';
import { PushEndpoint } from './push-endpoint.js';
import type { ResolvedSharedSignals } from './resolve-shared-signals.js';
import type { TransmitterHealth } from './signal-channel.js';
import { Transmitter } from './transmitter.js';

/** Receives what transmitters say of revoked tokens, whatever framework the requests come by. */
export class SignalReceiver {
  /** `undefined` where no transmitter pushes. */
  readonly pushEndpoint: PushEndpoint | undefined;
  private readonly transmitters: readonly Transmitter[];
  private readonly polled: readonly PollStream[];

  /** @param list of the app that refuses what is revoked */
  constructor({ path, transmitters, onSignal }: ResolvedSharedSignals, list: RevocationList) {
    this.transmitters = transmitters.map((rules) => new Transmitter(rules, list, onSignal));
    const byIssuer = new Map(this.transmitters.map((each) => [each.rules.issuer, each]));
    this.pushEndpoint = path === undefined ? undefined : new PushEndpoint(path, byIssuer);
    this.polled = this.transmitters.flatMap((each) => {
      const { delivery } = each.rules;
      return delivery.kind === 'poll' ? [new PollStream(each, delivery)] : [];
    });
    for (const { channel } of this.transmitters) list.relyOn(channel);
  }

  /** How each transmitter is doing. */
  health(): readonly TransmitterHealth[] {
    return this.transmitters.map(({ channel }) => channel.health());
  }

  /** Begins to ask those that are polled. */
  start(): void {
    for (const each of this.polled) each.start();
  }

  /** Ends that, and the connections to the transmitters. */
  async close(): Promise<void> {
    await Promise.all(this.polled.map(async (each) => each.close()));
    await Promise.all(this.transmitters.map(async (each) => each.close()));
  }
}
