/** Loaded before a server of the proxies' benchmark: tells what the process uses, on demand. */
import { answerQuestions, cpuMicros } from '../processes/answer-questions.js';

const handlers = {
  cpuMicros,
  /** @returns bytes */
  residentMemory: (): number => process.memoryUsage.rss(),
};

export type UsageProtocol = typeof handlers;

answerQuestions(handlers);
