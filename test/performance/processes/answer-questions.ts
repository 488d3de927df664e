import type { Answer, Protocol, Question } from './child.js';

/** Answers the questions of the process that started this one, until that one hangs up. */
export function answerQuestions(handlers: Protocol): void {
  process.on('message', (question: Question) => {
    void answer(handlers, question).then((answered) => process.send?.(answered));
  });
  // An orderly exit, so that a CPU profile is written.
  process.once('disconnect', () => process.exit());
}

async function answer(handlers: Protocol, { id, name, argument }: Question): Promise<Answer> {
  try {
    return { id, value: await handlers[name]?.(argument as never) };
  } catch (error) {
    return { id, error: error instanceof Error ? (error.stack ?? error.message) : String(error) };
  }
}

/** The settings that this process was started with: of the type that its starter gives it. */
export function readSettings(): unknown {
  return JSON.parse(process.argv[2] ?? '{}');
}

/** CPU time of this process since its start, all threads, user and system, in microseconds. */
export function cpuMicros(): number {
  const { user, system } = process.cpuUsage();
  return user + system;
}
