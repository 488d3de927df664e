import type { RevocationList } from '../revocation/revocation-list.js';
import { LogoutEndpoint } from './logout-endpoint.js';
import { LogoutProvider } from './logout-provider.js';
import { PollStream } from './poll-stream.js';
import { PushEndpoint } from './push-endpoint.js';
import type { ResolvedSharedSignals } from './resolve-shared-signals.js';
import type { TransmitterHealth } from './signal-channel.js';
import { Transmitter } from './transmitter.js';
import type { TransmitterRules } from './transmitter-rules.js';

/** Receives what transmitters say of revoked tokens, whatever framework the requests come by. */
export class SignalReceiver {
  /** What answers requests, before the app does. */
  readonly endpoints: readonly (PushEndpoint | LogoutEndpoint)[];
  private readonly transmitters: readonly Transmitter[];
  private readonly providers: readonly LogoutProvider[];
  private readonly polled: readonly PollStream[];

  /** @param list of the app that refuses what is revoked */
  constructor({ path, transmitters, onSignal, logout }: ResolvedSharedSignals, list: RevocationList) {
    const shared = sharedIssuers(transmitters);
    this.transmitters = transmitters.map((rules) => new Transmitter(rules, list, onSignal, shared));
    this.providers = (logout?.providers ?? []).map((rules) => new LogoutProvider(rules, list));
    this.endpoints = [
      ...(path === undefined ? [] : [new PushEndpoint(path, byIssuer(this.transmitters))]),
      ...(logout === undefined ? [] : [new LogoutEndpoint(logout.path, byIssuer(this.providers))]),
    ];
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
    const peers = [...this.transmitters, ...this.providers];
    await Promise.all(peers.map(async (each) => each.close()));
  }
}

/** Issuers of tokens for which more than one speaks: several transmitters, or one of them for users of several issuers. */
function sharedIssuers(transmitters: readonly TransmitterRules[]): ReadonlySet<string> {
  const spoken = transmitters.flatMap(({ issuers }) => [...issuers.values()]);
  return new Set(spoken.filter((issuer, index) => spoken.indexOf(issuer) !== index));
}

function byIssuer<Peer extends { readonly rules: { readonly issuer: string } }>(
  peers: readonly Peer[],
): ReadonlyMap<string, Peer> {
  return new Map(peers.map((each) => [each.rules.issuer, each]));
}
