import type { RevocationEntry, RevocationFeed, RevocationReplica } from '../cert-bound-auth.options.js';
import { messageOf } from '../common/message-of.js';
import { SeldomLog } from '../common/seldom-log.js';
import { type LogPage, PAGE, type RedisRevocationLog } from './redis-revocation-log.js';
import { issuerEntry, SLACK } from './revocation-entry.js';
import { isMark } from './revocation-mark.js';

/** How a log in Redis is followed. */
export interface FeedSettings {
  /** Milliseconds that the memory counts for since Redis last answered. */
  readonly staleFor: number;
  /** Whether the log is made where Redis has none. */
  readonly create: boolean;
  /** What is said where Redis has none. */
  readonly remedy: string;
}

/** Milliseconds between two looks at the log, when no message has come. */
const POLL = 1_000;
const DAY = 86_400;

/** Keeps the memory of one app like the log in Redis: by a look whenever a message comes, and each second. */
export class RedisRevocationFeed implements RevocationFeed {
  currentUntil = 0;
  problem: string | undefined = 'Redis has not been asked yet';
  /** The log that is followed; `undefined` before the first look. */
  private generation: string | undefined;
  /** Everything up to there is in memory. */
  private position = 0;
  /** How often it was found out that the list is lost: what was asked before that says nothing. */
  private losses = 0;
  private started: Promise<void> | undefined;
  private looking = false;
  private again = false;
  private closed = false;
  private timer: NodeJS.Timeout | undefined;
  private stopListening: () => void = () => undefined;
  private readonly warnings = new SeldomLog('warnings about revocations in Redis');

  /** @param listen calls this whenever something may have happened; returns what ends that */
  constructor(
    private readonly log: RedisRevocationLog,
    private readonly replica: RevocationReplica,
    private readonly listen: (heard: () => void) => () => void,
    private readonly settings: FeedSettings,
  ) {}

  async start(): Promise<void> {
    return (this.started ??= this.begin());
  }

  async keep(entries: readonly RevocationEntry[]): Promise<readonly RevocationEntry[]> {
    await this.start();
    const { generation } = this;
    if (generation === undefined) throw notKept(String(this.problem));
    const { maxEntries } = this.replica.settings;
    const kept = await this.log.append(entries, { generation, lifetime: this.lifetime, maxEntries });
    if (kept === 'kept') return entries;
    if (kept === 'full') return this.keepLess(entries, generation);
    throw this.lost();
  }

  close(): void {
    this.closed = true;
    clearTimeout(this.timer);
    this.stopListening();
  }

  private async begin(): Promise<void> {
    if (!this.closed) this.stopListening = this.listen(() => void this.look());
    await this.look();
  }

  /** For as long as an entry may count, from when it is made: one may be about tokens of tomorrow. */
  private get lifetime(): number {
    return this.replica.settings.maxTokenLifetime + DAY + SLACK;
  }

  /** There is no room: what was to be refused is, with all that is as old. What would allow more is not kept. */
  private async keepLess(
    entries: readonly RevocationEntry[],
    generation: string,
  ): Promise<readonly RevocationEntry[]> {
    const { maxEntries, clockTolerance } = this.replica.settings;
    const now = Date.now() / 1000;
    const less = entries
      .filter(({ kind }) => kind === 'revoke')
      .map((entry) => issuerEntry(entry, now, clockTolerance));
    this.warnings.warn('full', () => {
      return `the list of revocations in Redis is full with ${maxEntries} entries: all tokens of the issuer that are as old are refused; raise revocations.maxEntries`;
    });
    const rules = { generation, lifetime: this.lifetime, maxEntries: undefined };
    // Marks take no room: they are kept already.
    if ((await this.log.append(less, rules)) === 'kept') return [...less, ...entries.filter(isMark)];
    throw this.lost();
  }

  /** Nothing is accepted any more, and it is looked for what there is. */
  private lost(): Error {
    this.problem = 'Redis has lost the list of revocations';
    this.currentUntil = 0;
    this.losses += 1;
    const error = notKept(this.problem);
    void this.look();
    return error;
  }

  /** One look at a time; what happens meanwhile is looked for right after it. */
  private async look(): Promise<void> {
    if (this.looking) {
      this.again = true;
      return;
    }
    clearTimeout(this.timer);
    this.looking = true;
    do {
      this.again = false;
      // eslint-disable-next-line no-await-in-loop -- one look at a time
      await this.lookOnce();
    } while (this.again && !this.closed);
    this.looking = false;
    if (!this.closed) this.timer = setTimeout(() => void this.look(), POLL).unref();
  }

  private async lookOnce(): Promise<void> {
    try {
      this.currentUntil = (await this.readOn()) + this.settings.staleFor;
      this.problem = undefined;
    } catch (error) {
      const problem = messageOf(error);
      this.problem = problem;
      this.warnings.warn(problem, () => `revocations: ${problem}`);
    }
  }

  /** Reads what is new. @returns when it was asked for, by `performance.now()` */
  private async readOn(): Promise<number> {
    for (;;) {
      const asked = performance.now();
      const { losses } = this;
      // eslint-disable-next-line no-await-in-loop -- a page says where the next one begins
      const page = await this.log.read(this.position);
      // eslint-disable-next-line no-await-in-loop -- as above
      if (this.isOther(page)) await this.putBack(page);
      else if (this.takeIn(page) && losses === this.losses) return asked;
    }
  }

  /** Whether this is not what was followed until now: another log, none, or one that has lost what it had. */
  private isOther({ generation, dropped, entries }: LogPage): boolean {
    if (generation === '' || generation !== (this.generation ?? generation)) return true;
    return this.position > dropped && entries[0]?.position !== this.position;
  }

  /** @returns whether that was all */
  private takeIn({ generation, entries, marks }: LogPage): boolean {
    this.generation = generation;
    const fresh = entries.filter(({ position }) => position > this.position);
    this.replica.add([...marks, ...fresh.map(({ entry }) => entry)]);
    this.position = fresh.at(-1)?.position ?? this.position;
    return entries.length < PAGE;
  }

  /**
   * Redis has been emptied, or was replaced by one that lacks something. Nothing is accepted before each instance has put back
   * what it knows; one that has just started knows nothing.
   */
  private async putBack({ generation }: LogPage): Promise<void> {
    this.currentUntil = 0;
    if (this.generation === undefined && !this.settings.create) throw new Error(this.settings.remedy);
    if (this.generation !== undefined) this.warnings.warn('lost', () => lostLine(generation));
    const rules = { generation: undefined, lifetime: this.lifetime, maxEntries: undefined };
    for (const entries of pagesOf(this.replica.entries())) {
      // eslint-disable-next-line no-await-in-loop -- all at once would be too much for Redis
      await this.log.append(entries, rules);
    }
    this.generation = await this.log.create();
    this.position = 0;
  }
}

function lostLine(generation: string): string {
  const found = generation === '' ? 'has no list of revocations any more' : 'has lost revocations';
  return `Redis ${found}: what this process knows of is put back; what no running process knows of is lost`;
}

function* pagesOf(entries: Iterable<RevocationEntry>): Generator<readonly RevocationEntry[]> {
  let page: RevocationEntry[] = [];
  for (const entry of entries) {
    page.push(entry);
    if (page.length < PAGE) continue;
    yield page;
    page = [];
  }
  if (page.length > 0) yield page;
}

function notKept(why: string): Error {
  return new Error(`nothing was revoked: ${why}`);
}
