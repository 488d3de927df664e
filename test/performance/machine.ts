import { readFileSync } from 'node:fs';
import { availableParallelism, cpus, totalmem } from 'node:os';
import { join } from 'node:path';
import { PEERS, ROOT } from './paths.js';

/** What it was measured on. */
export interface Machine {
  readonly cpu: string;
  readonly cores: number;
  readonly memoryBytes: number;
  readonly platform: string;
  readonly node: string;
}

export function describeMachine(): Machine {
  return {
    cpu: cpus()[0]?.model.trim() ?? 'unknown',
    cores: availableParallelism(),
    memoryBytes: totalmem(),
    platform: `${process.platform} ${process.arch}`,
    node: process.version,
  };
}

/** The versions of what takes part. */
export function describeVersions(): Readonly<Record<string, string>> {
  const library = ['@nestjs/core', 'express', 'fastify', 'jose', 'passport-http-bearer'];
  const peers = ['express', 'express-oauth2-jwt-bearer', 'passport-jwt'];
  return {
    'nestjs-cert-bound-auth': versionIn(ROOT),
    ...Object.fromEntries(library.map((name) => [name, versionIn(join(ROOT, 'node_modules', name))])),
    ...Object.fromEntries(
      peers.map((name) => [
        name === 'express' ? 'express of the peers' : name,
        versionIn(join(PEERS, 'node_modules', name)),
      ]),
    ),
  };
}

function versionIn(folder: string): string {
  const { version } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as {
    readonly version: string;
  };
  return version;
}
