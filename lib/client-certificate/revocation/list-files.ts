import { readFile, stat } from 'node:fs/promises';
import { resolve } from 'node:path';
import { log } from '../../common/log.js';
import { messageOf } from '../../common/message-of.js';
import type { RevocationSourceHealth } from '../../events/revocation-source-health.js';
import type { RevocationList } from '../chain/revocation-list.js';
import type { Generation } from './generation.js';
import { HeldList } from './held-list.js';
import { readListsAside } from './read-lists-aside.js';

/** Milliseconds between two looks at the files. Not an `fs.watch`, which misses swapped symlinks. */
const INTERVAL_MS = 1_000;

interface WatchedFile {
  readonly path: string;
  /** What tells one content from another without reading it. */
  mark: string;
  lists: readonly HeldList[];
  /** Milliseconds since the epoch. */
  readAt: number;
  failures: number;
  problem: string | undefined;
}

/** Revocation lists in files, which are read again when they change. What cannot be read leaves in force what was there. */
export class ListFiles {
  private readonly files: readonly WatchedFile[];
  private byIssuer: ReadonlyMap<string, readonly HeldList[]> = new Map();
  private timer: NodeJS.Timeout | undefined;
  private ended = false;

  constructor(
    paths: readonly string[],
    private readonly generation: Generation,
  ) {
    this.files = paths.map((path) => ({
      path: resolve(path),
      mark: '',
      lists: [],
      readAt: 0,
      failures: 0,
      problem: undefined,
    }));
  }

  /** Reads all of them, and goes on watching. @throws Error naming the file that cannot be read */
  async start(): Promise<void> {
    await this.look();
    const broken = this.files.filter(({ problem }) => problem !== undefined);
    if (broken.length > 0) {
      const lines = broken.map(({ path, problem }) => `${path} can't be used: ${problem}`);
      throw new Error(`clientCertificate.revocation.crl.files: ${lines.join('; ')}`);
    }
    if (this.files.length > 0) this.schedule();
  }

  close(): void {
    this.ended = true;
    clearTimeout(this.timer);
  }

  /** The lists of a CA. @param issuer its name, as a key */
  of(issuer: string): readonly HeldList[] {
    return this.byIssuer.get(issuer) ?? [];
  }

  health(now: number): readonly RevocationSourceHealth[] {
    return this.files.map((file) => {
      const first = firstToEnd(file.lists.map(({ list }) => list));
      const isFresh = first !== undefined && now <= endOf(first);
      return {
        source: file.path,
        kind: 'crl-file',
        state: isFresh ? 'fresh' : first === undefined ? 'unavailable' : 'stale',
        age: first === undefined ? undefined : Math.floor((now - file.readAt) / 1_000),
        thisUpdate: first === undefined ? undefined : first.thisUpdate / 1_000,
        nextUpdate: first?.nextUpdate === undefined ? undefined : first.nextUpdate / 1_000,
        failures: file.failures,
        lastFailure: file.problem,
      };
    });
  }

  private schedule(): void {
    if (this.ended) return;
    this.timer = setTimeout(() => void this.look().finally(() => this.schedule()), INTERVAL_MS).unref();
  }

  /** Reads what has changed since the last look. */
  async look(): Promise<void> {
    const changed = await Promise.all(this.files.map(async (file) => this.lookAt(file)));
    if (this.ended || !changed.includes(true)) return;
    this.byIssuer = groupByIssuer(this.files.flatMap(({ lists }) => lists));
    this.generation.next();
  }

  /** @returns whether other lists are in force */
  private async lookAt(file: WatchedFile): Promise<boolean> {
    try {
      const { mtimeMs, size, ino } = await stat(file.path);
      const mark = `${mtimeMs} ${size} ${ino}`;
      if (mark === file.mark) return false;
      const reading = await readListsAside(await readFile(file.path));
      if (reading.kind === 'refused') throw new Error(reading.problem);
      const lists = reading.lists.map(
        ({ der, list }) => new HeldList(file.path, list, Buffer.from(der.buffer)),
      );
      const older = file.lists.find((before) => isReplacedByOlder(before, lists));
      if (older !== undefined)
        throw new Error(
          `it has an older list than the one in force, of ${new Date(older.list.thisUpdate).toISOString()}`,
        );
      file.lists = lists;
      if (file.readAt !== 0) log.log(`revocation lists read anew: ${file.path}, ${describe(file.lists)}`);
      file.mark = mark;
      file.readAt = Date.now();
      file.failures = 0;
      file.problem = undefined;
      return true;
    } catch (error) {
      const problem = messageOf(error);
      if (problem !== file.problem && file.readAt !== 0)
        log.error(`revocation lists: the old ones stay: ${file.path}: ${problem}`);
      file.failures += 1;
      file.problem = problem;
      return false;
    }
  }
}

/** Whether all lists that would come in its place are older. One that is not valid yet is in force for nobody. */
function isReplacedByOlder({ list: before }: HeldList, lists: readonly HeldList[]): boolean {
  if (before.thisUpdate > Date.now()) return false;
  const next = lists.filter(({ list }) => kindOf(list) === kindOf(before));
  return next.length > 0 && next.every(({ list }) => list.thisUpdate < before.thisUpdate);
}

/** Lists of one kind replace one another: of the same CA, key and scope, deltas or none. */
function kindOf({ issuer, authorityKeyId, scope, baseNumber }: RevocationList): string {
  return JSON.stringify([issuer, authorityKeyId, scope, baseNumber === undefined]);
}

function describe(lists: readonly HeldList[]): string {
  const entries = lists.reduce((sum, { list }) => sum + list.revoked.count, 0);
  return `${lists.length} list(s), ${entries} certificate(s)`;
}

function groupByIssuer(lists: readonly HeldList[]): ReadonlyMap<string, readonly HeldList[]> {
  const groups = new Map<string, HeldList[]>();
  for (const held of lists) groups.set(held.list.issuer, [...(groups.get(held.list.issuer) ?? []), held]);
  return groups;
}

/** Of several lists, the one that is out of date first. A delta is none by itself: without it, its list counts on. */
function firstToEnd(lists: readonly RevocationList[]): RevocationList | undefined {
  const whole = lists.filter(({ baseNumber }) => baseNumber === undefined);
  const [first] = (whole.length === 0 ? lists : whole).toSorted((one, other) => endOf(one) - endOf(other));
  return first;
}

/** One that does not say until when it counts never does. */
function endOf({ nextUpdate = -Infinity }: RevocationList): number {
  return nextUpdate;
}
