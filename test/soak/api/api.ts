/** The APIs: a process of their own, so that the memory that is looked at is theirs. */
import 'reflect-metadata';
import { type ApiSettings, type Memory, type Platform, PLATFORMS } from '../settings.js';
import type { Answer, Question } from './api-process.js';
import { LastDecisions } from './last-decisions.js';
import { LineCounter } from './line-counter.js';
import { startApi } from './start-api.js';

const settings = JSON.parse(process.argv[2] ?? '{}') as ApiSettings;
const decisions = new LastDecisions();
const lines = new LineCounter();

async function start(): Promise<Readonly<Record<Platform, number>>> {
  const [express, fastify] = await Promise.all(
    PLATFORMS.map(async (platform) => startApi(platform, settings, decisions, lines)),
  );
  return { express: express ?? 0, fastify: fastify ?? 0 };
}

const started = start();
// Asked for by `ports`.
started.catch(() => undefined);

async function answer({ name, argument }: Question): Promise<unknown> {
  switch (name) {
    case 'ports':
      return started;
    case 'memory':
      return memory();
    case 'decisions':
      return decisions.on(argument);
    case 'lines':
      return lines.counts;
  }
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
