import type { AuthorizationServerHttpSettings } from '../authorization-server/http-settings.js';
import type { JwsAlgorithm } from '../cert-bound-auth.options.js';
import type {
  PollTransmitterOptions,
  PushTransmitterOptions,
  SignalSubjectOptions,
  TransmitterRuleOptions,
} from './shared-signals.options.js';

/** How the events of a transmitter come. */
export type Delivery =
  | { readonly kind: 'push'; readonly authorizationHeader: PushTransmitterOptions['authorizationHeader'] }
  | PollDelivery;

/** How a transmitter is asked for its events. */
export interface PollDelivery {
  readonly kind: 'poll';
  readonly endpoint: string;
  readonly authorizationHeader: PollTransmitterOptions['authorizationHeader'];
  /** Seconds. */
  readonly longPoll: number;
}

/** What the events of one transmitter are decided by. */
export interface TransmitterRules {
  readonly issuer: string;
  readonly audience: readonly string[];
  readonly delivery: Delivery;
  /** The issuer of tokens by the issuer of users. */
  readonly issuers: ReadonlyMap<string, string>;
  readonly find: SignalSubjectOptions['find'];
  readonly algorithms: readonly JwsAlgorithm[];
  /** `undefined`: where its metadata says. */
  readonly jwksUri: string | undefined;
  /** Seconds; `undefined`: however long. */
  readonly maxSilence: number | undefined;
  readonly onSilence: 'refuse' | 'carry-on';
  readonly verifyState: TransmitterRuleOptions['verifyState'];
  readonly http: AuthorizationServerHttpSettings;
}
