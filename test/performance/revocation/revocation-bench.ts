/**
 * `npm run bench:revocation`: what revocation lists of certificates cost an app: memory, and how long they keep other work
 * waiting when they change. See docs/performance.md.
 */
import 'reflect-metadata';
import { mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { setTimeout as wait } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import type { INestApplication } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { CertBoundAuthHealthIndicator, CertBoundAuthModule, mutualTls } from 'nestjs-cert-bound-auth';
import { TestCertificateAuthority } from 'nestjs-cert-bound-auth/testing';
import { ListIssuer } from './large-list.js';

const { values } = parseArgs({ options: { certificates: { type: 'string', default: '1000000' } } });
const most = Number(values.certificates);

const MIB = 2 ** 20;
/** Milliseconds between two looks whether another list is in force. */
const LOOK = 20;

function usedMemory(): number {
  if (globalThis.gc === undefined) throw new Error('run it with node --expose-gc');
  globalThis.gc();
  globalThis.gc();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

async function startApp(ca: readonly string[], file: string): Promise<INestApplication> {
  class App {}
  const authority = await TestCertificateAuthority.create();
  const { key, cert } = await authority.issueServerCertificate();
  const auth = CertBoundAuthModule.forRoot({
    audience: 'https://api.example.com',
    authorizationServers: [{ issuer: 'https://as.example.com' }],
    clientCertificate: { from: 'tls', revocation: { crl: { files: file } } },
  });
  const adapter = new FastifyAdapter({ https: mutualTls({ key, cert, ca }) });
  const app = await NestFactory.create({ module: App, imports: [auth] } as never, adapter, { logger: false });
  await app.listen(0, '127.0.0.1');
  return app;
}

/** When the list that is in force was made. */
function listInForce(app: INestApplication): number | undefined {
  const { tokens } = app.get(CertBoundAuthHealthIndicator).isHealthy('tokens');
  return tokens.certificateRevocations?.[0]?.thisUpdate;
}

interface Change {
  /** Seconds until the list was in force. */
  readonly seconds: number;
  /** The longest time, in milliseconds, in which nothing else was done. */
  readonly longest: number;
}

/** Puts a list in the place of the one that is there, and waits until it counts. */
async function change(app: INestApplication, file: string, list: Buffer): Promise<Change> {
  const before = listInForce(app);
  await writeFile(`${file}.new`, list);
  const delay = monitorEventLoopDelay({ resolution: 1 });
  delay.enable();
  const start = performance.now();
  await rename(`${file}.new`, file);
  while (listInForce(app) === before) await wait(LOOK);
  delay.disable();
  return { seconds: (performance.now() - start) / 1000, longest: delay.max / 1e6 };
}

const folder = await mkdtemp(join(tmpdir(), 'revocation-bench-'));
const issuer = await ListIssuer.create();
const file = join(folder, 'ca.crl');
await writeFile(file, issuer.issue(1));
const app = await startApp([issuer.cert], file);
try {
  console.log(`Node ${process.version}`);
  const empty = usedMemory();
  for (const count of [most / 100, most / 10, most].map(Math.ceil)) {
    // Lists say when they were made in whole seconds.
    await wait(1_100);
    const list = issuer.issue(count);
    const { seconds, longest } = await change(app, file, list);
    const bytes = usedMemory() - empty - list.length;
    console.log(
      `${count} revoked certificates: a file of ${(list.length / MIB).toFixed(1)} MiB in force after ${seconds.toFixed(1)} s, ` +
        `other work waited ${longest.toFixed(0)} ms at most; ${(bytes / MIB).toFixed(1)} MiB of memory, ${(bytes / count).toFixed(0)} bytes each`,
    );
  }
} finally {
  await app.close();
  await rm(folder, { recursive: true });
}
