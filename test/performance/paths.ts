import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The folder of the compiled programs: `dist/performance`. */
export const PROGRAMS = fileURLToPath(new URL('.', import.meta.url));

/** The root of the repository. */
export const ROOT = join(PROGRAMS, '../..');

/** Where the libraries are installed that the benchmark stands beside this one. */
export const PEERS = join(ROOT, 'test/performance/peers');
