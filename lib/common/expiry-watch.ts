import { log } from './log.js';
import { onOneLine } from './on-one-line.js';
import { quoted } from './quoted.js';

/** Something that is good until a moment, and that somebody has to renew. */
export interface Expiring {
  /** What it is, as it stands in a line of the log: `the CA of clients "CN=…"`. */
  readonly what: string;
  /** Milliseconds since the epoch. */
  readonly until: number;
  /** How long before its end it is time to say so, in milliseconds. */
  readonly notice: number;
}

const DAY_MS = 86_400_000;
/** Milliseconds between two looks. */
const INTERVAL_MS = 60_000;

/** Who renews a certificate by hand needs some days for it. */
export const CERTIFICATE_NOTICE_MS = 14 * DAY_MS;

/** What stands in a log of a certificate. */
export function expiringCertificate(
  role: string,
  { subject, validTo }: { readonly subject: string | undefined; readonly validTo: string },
): Expiring {
  return {
    what: `${role} ${quoted(onOneLine(subject))}`,
    until: Date.parse(validTo),
    notice: CERTIFICATE_NOTICE_MS,
  };
}

/** What is over soon, or over already, by a moment. @param now milliseconds since the epoch */
export function expiringSoon(all: readonly Expiring[], now: number): readonly Expiring[] {
  return all.filter(({ until, notice }) => now >= until - notice);
}

/** Says how long something is still good. @param now milliseconds since the epoch */
export function describeExpiry({ what, until }: Expiring, now: number): string {
  const on = new Date(until).toISOString();
  return now > until
    ? `${what} has expired, on ${on}`
    : `${what} expires in ${timeLeft(until - now)}, on ${on}`;
}

/** Warns once a day of what is over soon, while somebody can still do something about it. */
export class ExpiryWatch {
  /** When each was last warned of, in milliseconds since the epoch. */
  private readonly warned = new Map<string, number>();
  private timer: NodeJS.Timeout | undefined;

  /** @param all asked at each look, for what is in force changes */
  constructor(private readonly all: () => readonly Expiring[]) {}

  start(): void {
    this.look(Date.now());
    this.timer = setInterval(() => this.look(Date.now()), INTERVAL_MS).unref();
  }

  close(): void {
    clearInterval(this.timer);
  }

  look(now: number): void {
    for (const each of expiringSoon(this.all(), now)) {
      const before = this.warned.get(each.what);
      if (before !== undefined && now >= before && now < before + DAY_MS) continue;
      this.warned.set(each.what, now);
      log.warn(`${describeExpiry(each, now)}: renew it`);
    }
  }
}

function timeLeft(milliseconds: number): string {
  if (milliseconds >= DAY_MS) return `${Math.floor(milliseconds / DAY_MS)} days`;
  const hours = Math.floor(milliseconds / 3_600_000);
  return hours > 0 ? `${hours} hours` : `${Math.floor(milliseconds / 60_000)} minutes`;
}
