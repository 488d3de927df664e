import { type HttpRequest, requestPathOf } from '../../request/http-request.js';

/** What routers and file servers read in different ways: an escaped or doubled separator, an escaped dot, a parameter. */
const AMBIGUOUS = /\/\/|;|%2f|%5c|%2e/i;

/** Whether a path can be read in one way only. */
export function isPlainPath(path: string): boolean {
  return !AMBIGUOUS.test(path);
}

/**
 * Tells requests for what the app has left open: by the path as it was sent, in upper and lower case as it is.
 * @param paths each of one resource, or with `/*` at its end of a resource and all below it
 */
export function publicPathsOf(paths: readonly string[]): (request: HttpRequest) => boolean {
  if (paths.length === 0) return () => false;
  const isOpen = openedBy(paths);
  return (request) => {
    const path = requestPathOf(request);
    return path !== undefined && isPlainPath(path) && isOpen(path);
  };
}

/** Tells the paths that these open, as they are written. */
export function openedBy(paths: readonly string[]): (path: string) => boolean {
  const exact = new Set(paths.map((path) => path.replace(/\/\*$/, '')));
  const above = paths.filter((path) => path.endsWith('/*')).map((path) => path.slice(0, -1));
  return (path) => exact.has(path) || above.some((start) => path.startsWith(start));
}
