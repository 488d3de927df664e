import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { identityOf, type Party } from '../client-certificate/chain/parties.js';

/** What a CA says of a certificate; nothing of those that it does not know. */
export type Said = 'good' | 'revoked';

/** How the responder of OpenSSL is set up. */
export interface ResponderSays {
  readonly ca: Party;
  /** Signs the answers. @default the CA */
  readonly signer?: Party;
}

/** `openssl ocsp`, as a process of its own that a test starts, stops and starts again at the same port. */
export class OpensslResponder {
  private readonly folder = mkdtempSync(join(tmpdir(), 'openssl-ocsp-'));
  private readonly known = new Map<string, Said>();
  private child: ChildProcess | undefined;
  private port = 0;

  constructor({ ca, signer = ca }: ResponderSays) {
    this.write('ca.pem', ca.certificate.toString());
    this.write('signer.pem', signer.certificate.toString());
    this.write('signer.key', identityOf(signer).key);
    this.writeIndex();
  }

  get host(): string {
    return `127.0.0.1:${this.port}`;
  }

  get url(): string {
    return `http://${this.host}/`;
  }

  /** @throws Error where OpenSSL does not listen */
  async start(): Promise<void> {
    const [index, ca, signer, key] = ['index.txt', 'ca.pem', 'signer.pem', 'signer.key'].map((name) =>
      join(this.folder, name),
    ) as [string, string, string, string];
    const files = ['-index', index, '-CA', ca, '-rsigner', signer, '-rkey', key];
    // An answer that does not say how long it holds is good for `maxAge`.
    const child = spawn('openssl', ['ocsp', ...files, '-port', String(this.port), '-ndays', '1']);
    this.child = child;
    let said = '';
    this.port = await new Promise<number>((resolve, reject) => {
      const hear = (text: Buffer): void => {
        said += String(text);
        const port = /ACCEPT .*:(\d+)/.exec(said)?.[1];
        if (port !== undefined && said.includes('waiting')) resolve(Number(port));
      };
      child.stdout.on('data', hear);
      child.stderr.on('data', hear);
      child.once('error', reject);
      child.once('exit', () => reject(new Error(`openssl ocsp has ended: ${said}`)));
    });
  }

  /** Starts it anew: it would look at a changed index only after the next question. */
  async say(said: Said, ...parties: readonly Party[]): Promise<void> {
    for (const { certificate } of parties) this.known.set(certificate.serialNumber, said);
    this.writeIndex();
    await this.stop();
    await this.start();
  }

  async stop(): Promise<void> {
    const { child } = this;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const exit = once(child, 'exit');
    child.kill();
    await exit;
  }

  async remove(): Promise<void> {
    await this.stop();
    rmSync(this.folder, { recursive: true });
  }

  /** The index of `openssl ca`: status, end, time of revocation, serial number, file, subject. */
  private writeIndex(): void {
    const lines = [...this.known].map(([serialNumber, said]) =>
      said === 'revoked'
        ? `R\t400101000000Z\t260101000000Z\t${serialNumber}\tunknown\t/CN=${serialNumber}`
        : `V\t400101000000Z\t\t${serialNumber}\tunknown\t/CN=${serialNumber}`,
    );
    this.write('index.txt', lines.map((line) => `${line}\n`).join(''));
  }

  private write(name: string, text: string): void {
    writeFileSync(join(this.folder, name), text);
  }
}
