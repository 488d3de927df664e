import type { X509Certificate } from 'node:crypto';
import { LRUCache } from 'lru-cache';
import { log } from '../../common/log.js';
import { onOneLine } from '../../common/on-one-line.js';
import type { MaybePromise } from '../../common/maybe-promise.js';
import { isOfAllKeys, OF_ANOTHER_KEY } from '../chain/list-of-another-key.js';
import { timeProblem } from '../chain/list-problem.js';
import type { AskedCertificate } from './asked-certificate.js';
import type { RevocationSourceHealth } from '../../events/revocation-source-health.js';
import { CLOCK_TOLERANCE_MS } from './clock-tolerance.js';
import type { Downloads } from './download.js';
import type { Generation } from './generation.js';
import { HeldList } from './held-list.js';
import { readListsAside } from './read-lists-aside.js';
import { type Fetched, Refreshing, type Served } from './refreshing.js';

const MOST_LISTS = 500;
/** Bytes that all lists together take. */
const MOST_BYTES = 512 * 2 ** 20;

interface Published {
  readonly url: string;
  readonly list: Refreshing<HeldList>;
  /** For which certificate it was asked for last: its root, and who signs lists below that, can be others than at first. */
  asked: AskedCertificate;
}

/** The lists that CAs publish where their certificates say, each for the CA that asks for it. */
export class PublishedLists {
  private readonly known = new LRUCache<string, Published>({
    max: MOST_LISTS,
    maxSize: MOST_BYTES,
    sizeCalculation: ({ list }) => list.known?.size ?? 1,
  });

  constructor(
    private readonly downloads: Downloads,
    private readonly generation: Generation,
  ) {}

  /** The list at a URL, if the CA of a certificate has signed it, or whoever else signs its lists. */
  get(url: URL, asked: AskedCertificate): MaybePromise<Served<HeldList>> {
    const published = this.at(url, asked);
    published.asked = asked;
    return published.list.get(asked.now);
  }

  /** What was last fetched from there, however old it is. */
  knownAt(url: URL, { ca }: Pick<AskedCertificate, 'ca'>): HeldList | undefined {
    return this.known.get(keyOf(url, ca))?.list.known;
  }

  refreshWhenDue(now: number): void {
    for (const { list } of this.known.values()) list.refreshWhenDue(now);
  }

  health(now: number): readonly RevocationSourceHealth[] {
    // What nobody has asked for lately is fetched when it is needed, and says nothing of how this is doing.
    const needed = [...this.known.values()].filter(({ list }) => !list.isForgotten(now));
    return needed.map(({ url, list }) => {
      const { at, until, failures, problem } = list.record;
      const { thisUpdate, nextUpdate } = list.known?.list ?? {};
      return {
        source: url,
        kind: 'crl',
        state: until === undefined ? 'unavailable' : now <= until ? 'fresh' : 'stale',
        age: at === undefined ? undefined : Math.floor((now - at) / 1_000),
        thisUpdate: thisUpdate === undefined ? undefined : thisUpdate / 1_000,
        nextUpdate: nextUpdate === undefined ? undefined : nextUpdate / 1_000,
        failures,
        lastFailure: problem,
      };
    });
  }

  private at(url: URL, asked: AskedCertificate): Published {
    const key = keyOf(url, asked.ca);
    const before = this.known.get(key);
    if (before !== undefined) return before;
    const published: Published = {
      url: url.href,
      asked,
      list: new Refreshing(async (previous) => {
        const fetched = await this.fetch(url, published.asked, previous);
        // Its size has changed.
        setImmediate(() => this.known.set(key, published));
        return fetched;
      }),
    };
    this.known.set(key, published);
    return published;
  }

  private async fetch(
    url: URL,
    asked: AskedCertificate,
    previous: HeldList | undefined,
  ): Promise<Fetched<HeldList>> {
    const reading = await readListsAside(await this.downloads.fetch(url));
    if (reading.kind === 'refused') throw new Error(reading.problem);
    const [read, ...others] = reading.lists;
    if (read === undefined || others.length > 0) throw new Error('it has more than one list');
    const held = new HeldList(url.href, read.list, Buffer.from(read.der.buffer));
    const problem = (await signatureProblem(held, asked)) ?? problemOf(held, previous);
    if (problem !== undefined) throw new Error(problem);
    if (held.list.thisUpdate !== previous?.list.thisUpdate) {
      const { count } = held.list.revoked;
      log.log(`revocation list fetched: ${onOneLine(url.href)}, ${count} certificate(s)`);
      this.generation.next();
    }
    return { value: held, until: (held.list.nextUpdate ?? 0) + CLOCK_TOLERANCE_MS };
  }
}

/**
 * Whether the signer is revoked is found out when the list is used. One of another key is refused here: it would take the place of
 * the right one.
 */
async function signatureProblem(held: HeldList, asked: AskedCertificate): Promise<string | undefined> {
  let problem = await held.problemWith(asked.ca);
  if (problem === undefined) return undefined;
  const known = asked.listSigners(held.list.issuer, Date.now());
  for (const signer of known) {
    // eslint-disable-next-line no-await-in-loop -- the first one that has signed it is enough
    if (!(await held.isSignedBy(signer.path[0]))) continue;
    if (isOfAllKeys(held.list, asked, signer, known)) return undefined;
    problem = OF_ANOTHER_KEY;
  }
  return problem;
}

function problemOf({ list }: HeldList, previous: HeldList | undefined): string | undefined {
  if (list.baseNumber !== undefined) return 'it is a delta, and no whole list';
  if (previous !== undefined && list.thisUpdate < previous.list.thisUpdate)
    return 'it is older than the one that is known';
  return timeProblem(list, Date.now(), CLOCK_TOLERANCE_MS);
}

function keyOf(url: URL, ca: X509Certificate): string {
  return `${ca.fingerprint256} ${url.href}`;
}
