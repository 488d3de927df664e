import type * as Undici from 'undici';

let loaded: typeof Undici | undefined;

/**
 * Loads undici, once: it takes some 5 MiB, which `serve` need not spend at its start, and where keys and secrets are
 * configured nobody is ever called.
 */
export async function loadUndici(): Promise<void> {
  loaded ??= await import('undici');
}

/** Whether it is there: whoever calls then need not wait for a turn. */
export function isUndiciLoaded(): boolean {
  return loaded !== undefined;
}

/** What has been loaded. @throws TypeError before that */
export function undici(): typeof Undici {
  if (loaded === undefined) throw new TypeError('undici is not loaded yet');
  return loaded;
}
