import type { INestApplicationContext } from '@nestjs/common';
import { textOfAuthentication } from '../../authorization/authorize.js';
import type { TokenCheck } from '../../authorization/demands.js';
import { textOfPath } from '../../claims/claim-at.js';
import { log } from '../../common/log.js';
import type { Entrance } from './entrance.js';
import { EntranceRegistry } from './entrance-registry.js';

/**
 * Lists every entrance of an app, with its handler and what it demands: a test can keep it as a snapshot, so that nothing
 * opens unseen. Call it when the app has been initialised.
 * @throws Error when the app does not import CertBoundAuthModule
 * @example
 * ```ts
 * import type { INestApplication } from '@nestjs/common';
 * import { describeEntrances } from 'nestjs-cert-bound-auth';
 *
 * export function openEntrances(app: INestApplication): readonly string[] {
 *   return describeEntrances(app).filter(({ access }) => access !== 'protected').map(({ name }) => name);
 * }
 * ```
 */
export function describeEntrances(app: INestApplicationContext): readonly Entrance[] {
  return app.get(EntranceRegistry, { strict: false }).list();
}

/** Writes the entrances of an app to the log at level `debug`, as a table: one line for each. */
export function logEntrances(app: INestApplicationContext): void {
  logTable(describeEntrances(app));
}

/** @see logEntrances */
export function logTable(entrances: readonly Entrance[]): void {
  const rows = entrances.map((entrance) => [
    entrance.kind,
    entrance.name,
    shownAccess(entrance),
    entrance.handler ?? '',
  ]);
  const widths = [0, 1, 2].map((column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  const lines = rows.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd(),
  );
  log.debug(['the entrances of this app, and what each demands:', ...lines].join('\n'));
}

function shownAccess(entrance: Entrance): string {
  if (entrance.access === 'anonymous') return `anonymous, or ${demandsOf(entrance)}`;
  return entrance.access === 'protected' ? demandsOf(entrance) : entrance.access;
}

function demandsOf({ policy, demands: { rules, constraints, checks } }: Entrance): string {
  const scopes = rules.map(({ kind, scopes: names }) =>
    kind === 'all' ? names.join(' ') : `one of: ${names.join(' ')}`,
  );
  const proofs = constraints.map((constraint) => `by ${constraint}`);
  const token = policy === undefined ? 'token' : `token of ${policy}`;
  return [token, ...scopes, ...checks.map((check) => textOfCheck(check)), ...proofs].join(', ');
}

function textOfCheck(check: TokenCheck): string {
  switch (check.kind) {
    case 'claim':
      return `${textOfPath(check.path)}${check.anyOf.length === 0 ? '' : `: ${check.anyOf.join(' or ')}`}`;
    case 'psd2':
      return `role ${check.roles.join(' and ')}`;
    case 'issuer':
      return `issued by ${check.issuers.join(' or ')}`;
    case 'authentication':
      return textOfAuthentication(check);
    case 'details':
      return `authorization_details of type ${check.type}`;
    case 'own':
      return "a check of the app's own";
  }
}
