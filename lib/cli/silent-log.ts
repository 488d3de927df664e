/** Where the lines of commands go that are no servers: nowhere. */
export const SILENT = {
  error: () => undefined,
  warn: () => undefined,
  log: () => undefined,
  debug: () => undefined,
  writes: () => false,
};
