import { type INestApplication } from '@nestjs/common';
import type { Server } from 'node:tls';
import { isDeepStrictEqual } from 'node:util';
import { logToNest } from '../log/log-to-nest.js';
import { listsProblem } from '../../client-certificate/chain/lists-of-trust.js';
import { clientTrustOf } from '../../tls/client-trust.js';
import { mutualTlsServerOf, serversOf } from './app-servers.js';
import { holdsIntermediates } from '../../tls/mutual-tls.js';
import { reloadableServerOf, type ServerContextOptions } from '../../tls/reloadable-server.js';
import {
  checkPaths,
  readTlsFiles,
  sameContent,
  type TlsFile,
  type TlsFilePaths,
} from '../../tls/tls-files.js';
import { describeTlsMaterial, parseTlsFiles, type TlsMaterial } from '../../tls/tls-material.js';
import { log } from '../../common/log.js';

logToNest();

/** A watch of TLS files. */
export interface TlsWatch {
  /** Ends the watch before the app ends; the material in force stays. */
  close(): void;
}

/** Milliseconds between two looks at the files. What two looks in a row have seen is acted upon: 0.4 s at most. */
const INTERVAL = 200;

/**
 * Keeps the TLS material of an app that was made with `mutualTls()` up to date with files. When their content
 * changes, new handshakes get the new material within a second. With other CAs or revocation lists, connections that
 * are older close after their current response, and their sessions do not resume. Instead of broken files, or of a key
 * that does not belong to the certificate, the old material stays in force, and the log says so once. All other TLS
 * options stay as they are; contexts that were added with `server.addContext()` can't be used beside it.
 *
 * Call it before `app.listen()`, or right after. It ends with the app.
 * @throws TypeError when the app's server asks for no client certificate, is watched already, or was made with what
 *   files can't replace
 * @throws Error that names the file which can't be used
 * @example
 * ```ts
 * import { readFileSync } from 'node:fs';
 * import { NestFactory } from '@nestjs/core';
 * import { mutualTls, watchTls } from 'nestjs-cert-bound-auth';
 *
 * class AppModule {}
 * const paths = { key: 'server.key', cert: 'server.crt', ca: 'clients-ca.crt' };
 * const [key, cert, ca] = [paths.key, paths.cert, paths.ca].map((path) => readFileSync(path));
 * if (key && cert && ca) {
 *   const app = await NestFactory.create(AppModule, { httpsOptions: mutualTls({ key, cert, ca }) });
 *   await watchTls(app, paths);
 *   await app.listen(8443);
 * }
 * ```
 */
export async function watchTls(app: INestApplication, paths: TlsFilePaths): Promise<TlsWatch> {
  const server = mutualTlsServerOf(app);
  checkPaths(paths);
  checkReplaceable(server, paths);
  const watch = new TlsFileWatch(app, server, { ...paths });
  await watch.start();
  return watch;
}

const watched = new WeakSet<Server>();

/** Not an `fs.watch`: it misses swapped symlinks, and on network and overlay file systems anything at all. */
class TlsFileWatch implements TlsWatch {
  private readonly passphrase: string | undefined;
  private timer: NodeJS.Timeout | undefined;
  private ended = false;
  private material: TlsMaterial | undefined;
  /** The files at the last look, and when they were last acted upon. */
  private seen: readonly TlsFile[] = [];
  private settled: readonly TlsFile[] = [];
  /** What the log last said is broken. */
  private reported = '';

  constructor(
    private readonly app: INestApplication,
    private readonly server: Server,
    private readonly paths: TlsFilePaths,
  ) {
    this.passphrase = (server as ServerContextOptions).passphrase;
  }

  async start(): Promise<void> {
    if (watched.has(this.server)) throw new TypeError(`watchTls: the app's server is watched already`);
    watched.add(this.server);
    this.server.once('close', this.close);
    try {
      this.settled = await readTlsFiles(this.paths);
      const { material, problems } = parseTlsFiles(this.settled, this.passphrase);
      if (material === undefined) throw new Error(problems.join('; '));
      this.use(material);
    } catch (error) {
      this.close();
      throw new Error(`watchTls: ${(error as Error).message}`, { cause: error });
    }
    this.schedule();
  }

  readonly close = (): void => {
    this.ended = true;
    clearTimeout(this.timer);
    this.server.off('close', this.close);
    watched.delete(this.server);
  };

  private schedule(): void {
    if (this.ended) return;
    this.timer = setTimeout(() => {
      this.look()
        .catch((error: unknown) => log.error(`TLS files: ${String(error)}`))
        .finally(() => this.schedule());
    }, INTERVAL).unref();
  }

  /** Acts upon what it has seen twice: files may be in the middle of being written, or of being swapped. */
  private async look(): Promise<void> {
    const files = await readTlsFiles(this.paths);
    if (this.ended) return;
    const seenTwice = sameContent(files, this.seen);
    this.seen = files;
    if (seenTwice && !sameContent(files, this.settled)) this.settle(files);
    // Further servers of Fastify come while it starts to listen.
    if (this.material !== undefined) this.use(this.material);
  }

  private settle(files: readonly TlsFile[]): void {
    this.settled = files;
    const { material, problems } = parseTlsFiles(files, this.passphrase, this.material);
    try {
      if (material !== undefined && !isDeepStrictEqual(material, this.material)) this.reload(material);
      this.report(problems);
    } catch (error) {
      this.report([...problems, (error as Error).message]);
    }
  }

  private reload(material: TlsMaterial): void {
    const retires = this.use(material);
    log.log(
      `TLS files reloaded: ${describeTlsMaterial(material)}` +
        (retires ? '; older connections close after their current response' : ''),
    );
    // It is in force all the same: the other lists may name somebody.
    const missing = listsProblem(clientTrustOf(this.server));
    if (missing !== undefined) log.error(`TLS files: ${missing}`);
  }

  private report(problems: readonly string[]): void {
    const line = problems.join('; ');
    if (line !== '' && line !== this.reported) log.error(`TLS files: the old material stays: ${line}`);
    this.reported = line;
  }

  private use(material: TlsMaterial): boolean {
    const retires = serversOf(this.app).map((server) => reloadableServerOf(server).use(material));
    this.material = material;
    return retires.includes(true);
  }
}

/** What the server was made with must not be lost silently. @throws TypeError */
function checkReplaceable(server: Server, paths: TlsFilePaths): void {
  const { key, cert, ca, crl } = server as ServerContextOptions;
  const several = [key, cert].some((value) => Array.isArray(value) && value.length > 1);
  if (several) throw new TypeError('watchTls: the server was made with several keys; it renews one');
  if (crl !== undefined && paths.crl === undefined) {
    throw new TypeError('watchTls: the server was made with crl: name its file, or it would be lost');
  }
  if (holdsIntermediates(ca) && paths.intermediates === undefined) {
    throw new TypeError(
      'watchTls: the server was made with intermediates: name their file, or they would be lost',
    );
  }
}
