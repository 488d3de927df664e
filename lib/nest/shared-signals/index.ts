// The entry point nestjs-cert-bound-auth/shared-signals.
export { SharedSignalsModule } from './shared-signals.module.js';
export { SharedSignals } from './shared-signals.js';
export type {
  BackChannelLogoutOptions,
  LogoutProviderOptions,
  PollTransmitterOptions,
  PushTransmitterOptions,
  SharedSignalsOptions,
  Signal,
  SignalSubjectOptions,
  TokensOfSubject,
  TransmitterOptions,
  TransmitterRuleOptions,
} from '../../shared-signals/shared-signals.options.js';
export type { TransmitterHealth } from '../../shared-signals/signal-channel.js';
