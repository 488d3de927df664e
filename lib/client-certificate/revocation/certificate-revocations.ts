import { addressCheck } from './allowed-url.js';
import type { AskedCertificate } from './asked-certificate.js';
import type { CertificateStatus } from './certificate-status.js';
import type { RevocationSourceHealth } from '../../events/revocation-source-health.js';
import { Downloads } from './download.js';
import { Generation } from './generation.js';
import { ListFiles } from './list-files.js';
import { OcspResponders } from './ocsp-responders.js';
import { PublishedLists } from './published-lists.js';
import type { OcspSettings, RevocationSettings } from './revocation-settings.js';
import { type ListSources, statusByLists } from './status-by-lists.js';

/** Milliseconds between two looks at what is to be fetched again. */
const INTERVAL_MS = 1_000;

/** What this app knows of revoked certificates. */
export class CertificateRevocations {
  private readonly generation = new Generation();
  private readonly downloads: Downloads;
  private readonly lists: ListSources;
  private readonly ocsp: OcspResponders | undefined;
  private timer: NodeJS.Timeout | undefined;

  constructor({ crl, ocsp }: RevocationSettings) {
    const limits = { timeout: crl?.timeout ?? 0, maxSize: crl?.maxSize ?? 0 };
    this.downloads = new Downloads(limits, addressCheck(crl?.privateNetworks ?? []));
    this.lists = {
      files: new ListFiles([crl?.files ?? []].flat(), this.generation),
      published: new PublishedLists(this.downloads, this.generation),
      hosts: crl?.hosts ?? [],
    };
    this.ocsp = ocsp === undefined ? undefined : respondersOf(ocsp, this.generation);
  }

  /** What was found out before a change of this number may not hold any more. */
  get version(): number {
    return this.generation.value;
  }

  /** @throws Error naming a file that cannot be read */
  async start(): Promise<void> {
    await this.lists.files.start();
    await this.ocsp?.start();
    this.timer = setInterval(() => this.refreshWhenDue(Date.now()), INTERVAL_MS).unref();
  }

  async close(): Promise<void> {
    clearInterval(this.timer);
    this.lists.files.close();
    await Promise.all([this.downloads.close(), this.ocsp?.close()]);
  }

  /** Fetches in the background what is getting old. */
  refreshWhenDue(now: number): void {
    this.lists.published.refreshWhenDue(now);
    this.ocsp?.refreshWhenDue(now);
  }

  /**
   * What is known of a certificate. Revoked is who is so by a list or by a responder; else the responder's word counts where it
   * has one, and where it has none, that of the lists.
   */
  async statusOf(asked: AskedCertificate): Promise<CertificateStatus> {
    const { certificate, ca, now } = asked;
    const byLists = await statusByLists(asked, this.lists);
    if (byLists.kind === 'revoked' || this.ocsp === undefined) return byLists;
    const byOcsp = await this.ocsp.statusOf(certificate, ca, now);
    if (byOcsp === undefined || (byOcsp.kind === 'unavailable' && byLists.kind === 'good')) return byLists;
    return byOcsp;
  }

  health(now: number): readonly RevocationSourceHealth[] {
    const { files, published } = this.lists;
    return [...files.health(now), ...published.health(now), ...(this.ocsp?.health(now) ?? [])];
  }
}

/** Bytes: an answer about one certificate, with that of the responder, has some two thousand. */
const LARGEST_ANSWER = 65_536;

/** A responder that the app names itself may be anywhere; those that certificates name may not. */
function respondersOf(settings: OcspSettings, generation: Generation): OcspResponders {
  const limits = { timeout: settings.timeout, maxSize: LARGEST_ANSWER };
  const isAllowed =
    settings.responder === undefined ? addressCheck(settings.privateNetworks) : (): boolean => true;
  return new OcspResponders(settings, new Downloads(limits, isAllowed), generation);
}
