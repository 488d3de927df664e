import type { LogLine } from './recording-logger.js';

/** What a line of the log says about a refusal. */
export interface LoggedRefusal {
  readonly level: LogLine['level'] | undefined;
  readonly reason: string | undefined;
  readonly detail: string | undefined;
}

/** Reads the line that an API has logged about a refusal; there is nothing to read where it has logged none. */
export function loggedRefusal(line: LogLine | undefined): LoggedRefusal {
  const text = line?.text ?? '';
  const detail = /detail=("(?:[^"\\]|\\.)*"|\S+)/.exec(text)?.[1];
  return {
    level: line?.level,
    reason: / reason=(\w+)/.exec(text)?.[1],
    detail: detail?.startsWith('"') === true ? (JSON.parse(detail) as string) : detail,
  };
}
