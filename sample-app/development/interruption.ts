/** Aborts when somebody ends this program: by Ctrl-C, or by ending npm, which takes along its shell only. */
export function interruption(): AbortSignal {
  const controller = new AbortController();
  const abort = (): void => controller.abort();
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, abort);
  const parent = process.ppid;
  const watch = (): void => {
    if (process.ppid !== parent) abort();
  };
  if (process.env['npm_lifecycle_event'] !== undefined) setInterval(watch, 500).unref();
  return controller.signal;
}
