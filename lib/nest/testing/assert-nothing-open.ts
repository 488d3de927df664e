import type { INestApplicationContext } from '@nestjs/common';
import { describeEntrances } from '../entrances/describe-entrances.js';
import { openedBy } from '../http/public-paths.js';
import type { Entrance } from '../entrances/entrance.js';

/** Options of {@link assertNothingOpen}. */
export interface NothingOpenOptions {
  /** What is meant to be open: names as `describeEntrances` has them (`GET /health`), or handlers (`HealthController.check`). @default nothing */
  readonly except?: readonly string[];
}

/**
 * Fails a test where any entrance of an app is open that the test does not name, so that a new `@Public()` is seen. Call it
 * when the app has been initialised.
 * @throws Error naming each entrance that is open, or each exception that there is no entrance for
 * @example
 * ```ts
 * import type { INestApplication } from '@nestjs/common';
 * import { assertNothingOpen } from 'nestjs-cert-bound-auth/testing';
 *
 * export function check(app: INestApplication): void {
 *   assertNothingOpen(app, { except: ['GET /health'] });
 * }
 * ```
 */
export function assertNothingOpen(
  app: INestApplicationContext,
  { except = [] }: NothingOpenOptions = {},
): void {
  const entrances = describeEntrances(app);
  const open = entrances.filter(({ access }) => access !== 'protected');
  const unexpected = open.filter((entrance) => !except.some((name) => isCalled(entrance, name)));
  if (unexpected.length > 0) {
    const count =
      unexpected.length === 1 ? 'one entrance is open' : `${unexpected.length} entrances are open`;
    throw new Error(`${count}: ${unexpected.map((entrance) => described(entrance)).join(', ')}`);
  }
  const missing = except.filter((name) => !open.some((entrance) => isCalled(entrance, name)));
  if (missing.length > 0) throw new Error(`no entrance is called ${missing.join(', ')}, or it is not open`);
}

/** A public path names what is served below it, too. */
function isCalled({ kind, name, handler }: Entrance, by: string): boolean {
  if (name === by || handler === by) return true;
  return kind === 'path' && openedBy([by])(name.replace(/^[A-Z-]+ /, ''));
}

function described({ name, handler, access }: Entrance): string {
  return handler === undefined ? `${name} (${access})` : `${name} (${handler}, ${access})`;
}
