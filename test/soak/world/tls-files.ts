import { mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestCertificate, TestCertificateAuthority } from 'nestjs-cert-bound-auth/testing';
import type { TlsPaths } from '../settings.js';
import { IN_FORCE } from '../timing.js';

/** A server certificate, and when another one came in its place. */
interface Served {
  readonly thumbprint: string;
  replacedAt: number;
}

/** The TLS files of the APIs, which are replaced while they run. */
export class TlsFiles {
  /** Milliseconds since the epoch. */
  private trustChangedAt = -Infinity;
  private readonly served: Served[] = [];
  /** How often key and certificate, and how often the CAs, were replaced. */
  readonly replaced = { certificate: 0, trust: 0 };

  private constructor(
    private readonly folder: string,
    private readonly ca: TestCertificateAuthority,
    private readonly secondCa: TestCertificateAuthority,
  ) {}

  static async create(ca: TestCertificateAuthority): Promise<TlsFiles> {
    const folder = await mkdtemp(join(tmpdir(), 'cert-bound-soak-'));
    const files = new TlsFiles(folder, ca, await TestCertificateAuthority.create('Second CA'));
    await files.writeCertificate();
    await files.write('ca', ca.cert);
    return files;
  }

  get paths(): TlsPaths {
    const [key, cert, ca] = ['key', 'cert', 'ca'].map((name) => join(this.folder, name));
    return { key: key ?? '', cert: cert ?? '', ca: ca ?? '' };
  }

  /** Gives the APIs a new key and certificate. */
  async replaceCertificate(): Promise<void> {
    await this.writeCertificate();
    this.replaced.certificate += 1;
  }

  /** Lets a second CA in or out: older connections end. */
  async replaceTrust(): Promise<void> {
    const isIn = this.replaced.trust % 2 === 1;
    await this.write('ca', isIn ? this.ca.cert : `${this.ca.cert}\n${this.secondCa.cert}`);
    this.trustChangedAt = Date.now();
    this.replaced.trust += 1;
  }

  /** Whether connections may have ended at this moment because the CAs have changed. */
  mayHaveEnded(at: number): boolean {
    return at - this.trustChangedAt < IN_FORCE;
  }

  /** Whether the server may show a certificate in a handshake that began at this moment. */
  mayServe(thumbprint: string, at: number): boolean {
    const served = this.served.find((each) => each.thumbprint === thumbprint);
    return served !== undefined && at < served.replacedAt + IN_FORCE;
  }

  async remove(): Promise<void> {
    await rm(this.folder, { recursive: true, force: true });
  }

  private async writeCertificate(): Promise<void> {
    const { key, cert, thumbprint }: TestCertificate = await this.ca.issueServerCertificate();
    this.served.push({ thumbprint, replacedAt: Infinity });
    await this.write('key', key);
    await this.write('cert', cert);
    for (const each of this.served.slice(0, -1)) each.replacedAt = Math.min(each.replacedAt, Date.now());
  }

  private async write(name: string, text: string): Promise<void> {
    const path = join(this.folder, name);
    await writeFile(`${path}.new`, text);
    await rename(`${path}.new`, path);
  }
}
