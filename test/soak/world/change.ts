import type { Random } from '../random.js';
import { MOST_KEYS, RENEWAL, REVOCATION, ROTATION, SERVER_CERTIFICATE, TRUST } from '../timing.js';
import type { Realm } from './realm.js';
import type { TlsFiles } from './tls-files.js';

/** Lets keys, tokens, certificates and TLS files change all the time. */
export class Change {
  private readonly timers: readonly NodeJS.Timeout[];
  /** What a change has failed with. */
  readonly failed: Promise<never>;
  private fail: (error: unknown) => void = () => undefined;

  constructor(
    private readonly realms: readonly Realm[],
    private readonly tls: TlsFiles,
    private readonly random: Random,
  ) {
    this.failed = new Promise((_, reject) => {
      this.fail = reject;
    });
    // Whoever waits hears of it.
    this.failed.catch(() => undefined);
    this.timers = [
      this.every(ROTATION, async () => this.rotate()),
      this.every(REVOCATION, async () => this.revoke()),
      this.every(RENEWAL, async () => this.renew()),
      this.every(SERVER_CERTIFICATE, async () => this.tls.replaceCertificate()),
      this.every(TRUST, async () => this.tls.replaceTrust()),
    ];
  }

  stop(): void {
    for (const timer of this.timers) clearInterval(timer);
  }

  private every(milliseconds: number, change: () => Promise<void>): NodeJS.Timeout {
    return setInterval(() => {
      change().catch(this.fail);
    }, milliseconds);
  }

  private rotate(): void {
    for (const { authority } of this.realms) {
      authority.keys.publish();
      authority.keys.keep(MOST_KEYS);
    }
  }

  private revoke(): void {
    for (const { authority } of this.realms) {
      const token = authority.opaque.anyActive(this.random.next());
      if (token !== undefined) authority.opaque.revoke(token);
    }
  }

  /** The realms have the same clients. */
  private async renew(): Promise<void> {
    const clients = this.realms[0]?.clients;
    const forgotten = await clients?.renew(clients.any(this.random));
    if (forgotten === undefined) return;
    for (const { authority } of this.realms) authority.opaque.forget(forgotten.thumbprint);
  }
}
