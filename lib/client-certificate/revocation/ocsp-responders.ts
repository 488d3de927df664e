import { randomBytes, type X509Certificate } from 'node:crypto';
import { LRUCache } from 'lru-cache';
import { nameOf } from '../chain/certification-path.js';
import { allowedUrl } from './allowed-url.js';
import { certificateIdOf, respondersOf } from './certificate-id.js';
import type { CertificateStatus } from './certificate-status.js';
import type { RevocationSourceHealth } from '../../events/revocation-source-health.js';
import type { Downloads } from './download.js';
import type { Generation } from './generation.js';
import { loadOcspPackage, type OcspPackage } from './ocsp-package.js';
import { ocspRequest } from './ocsp-request.js';
import { type OcspAnswer, readOcspResponse } from './ocsp-response.js';
import { type Fetched, Refreshing, type Served } from './refreshing.js';
import type { OcspSettings } from './revocation-settings.js';

const MOST_ANSWERS = 20_000;
/** Responders of which the state is told. */
const MOST_RESPONDERS = 100;
/** Responders that are asked about one certificate. */
const MOST_ASKED = 2;
const NONCE_BYTES = 16;

/** How the last calls of a responder fared. */
interface Record {
  /** Milliseconds since the epoch. */
  readonly at: number | undefined;
  readonly failures: number;
  readonly problem: string | undefined;
}

const NEVER_CALLED: Record = { at: undefined, failures: 0, problem: undefined };

/** The responders of CAs, with what they have said of each certificate. */
export class OcspResponders {
  private readonly answers = new LRUCache<string, Refreshing<OcspAnswer>>({ max: MOST_ANSWERS });
  private readonly records = new LRUCache<string, Record>({ max: MOST_RESPONDERS });
  private loaded: OcspPackage | undefined;

  constructor(
    private readonly settings: OcspSettings,
    private readonly downloads: Downloads,
    private readonly generation: Generation,
  ) {}

  /** @throws Error where the packages are missing */
  async start(): Promise<void> {
    this.loaded = await loadOcspPackage();
  }

  async close(): Promise<void> {
    await this.downloads.close();
  }

  /**
   * What they say of a certificate; `undefined` where none may be asked.
   * @param ca which has issued it @param now milliseconds since the epoch
   */
  async statusOf(
    certificate: X509Certificate,
    ca: X509Certificate,
    now: number,
  ): Promise<CertificateStatus | undefined> {
    const problems: string[] = [];
    for (const url of this.urlsOf(certificate)) {
      const refreshing = this.answerAt(url, certificate, ca);
      // eslint-disable-next-line no-await-in-loop -- the next one is asked only when this one says nothing
      const served = await refreshing.get(now);
      const status = statusIn(served, refreshing.known, certificate, url);
      if (typeof status !== 'string') return status;
      problems.push(status);
    }
    return problems.length === 0 ? undefined : { kind: 'unavailable', detail: problems.join('; ') };
  }

  /** Fetches in the background what is getting old, as long as that keeps nobody waiting. */
  refreshWhenDue(now: number): void {
    for (const answer of this.answers.values()) {
      if (this.downloads.isBusy) return;
      answer.refreshWhenDue(now);
    }
  }

  health(now: number): readonly RevocationSourceHealth[] {
    return [...this.records.entries()].map(([source, { at, failures, problem }]) => ({
      source,
      kind: 'ocsp',
      state: failures === 0 ? 'fresh' : at === undefined ? 'unavailable' : 'stale',
      age: at === undefined ? undefined : Math.max(0, Math.floor((now - at) / 1_000)),
      thisUpdate: undefined,
      nextUpdate: undefined,
      failures,
      lastFailure: problem,
    }));
  }

  private urlsOf(certificate: X509Certificate): readonly URL[] {
    const { responder, hosts } = this.settings;
    if (responder !== undefined) return [new URL(responder)];
    return respondersOf(certificate)
      .map((uri) => allowedUrl(uri, { hosts }))
      .filter((url) => url !== undefined)
      .slice(0, MOST_ASKED);
  }

  private answerAt(url: URL, certificate: X509Certificate, ca: X509Certificate): Refreshing<OcspAnswer> {
    const key = `${ca.fingerprint256} ${certificate.serialNumber} ${url.href}`;
    const before = this.answers.get(key);
    if (before !== undefined) return before;
    const made = new Refreshing<OcspAnswer>(async (previous) => this.fetch(url, certificate, ca, previous));
    this.answers.set(key, made);
    return made;
  }

  private async fetch(
    url: URL,
    certificate: X509Certificate,
    ca: X509Certificate,
    previous: OcspAnswer | undefined,
  ): Promise<Fetched<OcspAnswer>> {
    const { failures, at } = this.records.get(url.href) ?? NEVER_CALLED;
    try {
      const answer = await this.ask(url, certificate, ca);
      if (previous !== undefined && answer.thisUpdate < previous.thisUpdate)
        throw new Error('it is older than the one that is known');
      this.records.set(url.href, { at: Date.now(), failures: 0, problem: undefined });
      if (previous !== undefined && previous.status !== answer.status) this.generation.next();
      return { value: answer, until: answer.until };
    } catch (error) {
      this.records.set(url.href, { at, failures: failures + 1, problem: String(error) });
      throw error;
    }
  }

  private async ask(url: URL, certificate: X509Certificate, ca: X509Certificate): Promise<OcspAnswer> {
    const loaded = this.loaded ?? (await loadOcspPackage());
    const id = certificateIdOf(certificate, ca);
    const nonce = this.settings.nonce ? randomBytes(NONCE_BYTES) : undefined;
    const body = ocspRequest(id, nonce, loaded);
    const der = await this.downloads.fetch(url, { type: 'application/ocsp-request', body });
    const maxAge = this.settings.maxAge * 1_000;
    return readOcspResponse(der, { id, ca, nonce, maxAge }, Date.now(), loaded);
  }
}

/** What an answer means; a text where it is none. */
function statusIn(
  served: Served<OcspAnswer>,
  known: OcspAnswer | undefined,
  certificate: X509Certificate,
  { href }: URL,
): CertificateStatus | string {
  // An answer that is out of date proves nobody good, but who is revoked stays revoked.
  const answer = served.kind === 'there' ? served.value : known?.status === 'revoked' ? known : undefined;
  switch (answer?.status) {
    case 'good':
      return { kind: 'good', until: answer.until };
    case 'revoked':
      return { kind: 'revoked', detail: `${nameOf(certificate)} is revoked by ${href}` };
    case 'unknown':
      return { kind: 'unknown', detail: `${href} does not know ${nameOf(certificate)}` };
    default:
      return `${href}: ${served.kind === 'missing' ? served.problem : 'no answer'}`;
  }
}
