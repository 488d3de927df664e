/** The APIs: a process of their own, so that the memory that is looked at is theirs. */
import 'reflect-metadata';
import type { TokenRevocations } from 'nestjs-cert-bound-auth';
import { type ApiSettings, type Memory, type Platform, PLATFORMS, type RevokedSubject } from '../settings.js';
import type { Answer, Question } from './api-process.js';
import { LastDecisions } from './last-decisions.js';
import { LineCounter } from './line-counter.js';
import { type RunningApi, startApi } from './start-api.js';

const settings = JSON.parse(process.argv[2] ?? '{}') as ApiSettings;
const decisions = new LastDecisions();
const lines = new LineCounter();

async function start(): Promise<ReadonlyMap<Platform, RunningApi>> {
  const apis = PLATFORMS.map(
    async (platform) => [platform, await startApi(platform, settings, decisions, lines)] as const,
  );
  return new Map(await Promise.all(apis));
}

const started = start();
// Asked for by `ports`.
started.catch(() => undefined);

async function answer({ name, argument }: Question): Promise<unknown> {
  switch (name) {
    case 'ports':
      return ports();
    case 'memory':
      return memory();
    case 'decisions':
      return decisions.on(argument);
    case 'lines':
      return lines.counts;
    case 'revoke':
      return revoke(JSON.parse(argument) as RevokedSubject);
  }
}

async function ports(): Promise<Readonly<Record<Platform, number>>> {
  const apis = await started;
  return { express: apis.get('express')?.port ?? 0, fastify: apis.get('fastify')?.port ?? 0 };
}

async function revoke({ platform, issuer, subject }: RevokedSubject): Promise<void> {
  const revocations: TokenRevocations | undefined = (await started).get(platform)?.revocations;
  await revocations?.revoke({ issuer, subject });
}

function memory(): Memory {
  globalThis.gc?.();
  globalThis.gc?.();
  const { heapUsed, rss } = process.memoryUsage();
  return { heap: heapUsed, rss };
}

process.on('message', (question: Question) => {
  answer(question)
    .then((value): Answer => ({ id: question.id, value }))
    .catch((error: unknown): Answer => ({ id: question.id, error: String(error) }))
    .then((answered) => process.send?.(answered))
    .catch(() => process.exit(1));
});
process.once('disconnect', () => process.exit());
