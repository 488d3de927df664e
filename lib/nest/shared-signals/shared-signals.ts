import { Injectable } from '@nestjs/common';
import type { TransmitterHealth } from '../../shared-signals/signal-channel.js';
import type { SignalReceiver } from '../../shared-signals/signal-receiver.js';

/** The transmitters that this app listens to, for operations: injectable where `SharedSignalsModule` is imported. */
@Injectable()
export class SharedSignals {
  private receiver: SignalReceiver | undefined;

  /** How each transmitter is doing, as far as is known without asking it: of none before the app has been initialised. */
  health(): readonly TransmitterHealth[] {
    return this.receiver?.health() ?? [];
  }
}

/** Lets an app see what its receiver hears. */
export function listenTo(signals: SharedSignals, receiver: SignalReceiver): void {
  signals['receiver'] = receiver;
}
