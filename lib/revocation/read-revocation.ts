import { quoted } from '../common/quoted.js';
import { isJsonObject, type JsonObject } from '../jose/json-object.js';
import { NAMED, NEVER_AGAIN, type Revocation } from './revocation-entry.js';

/** What an app asks to be revoked, checked. */
export interface AskedRevocation {
  readonly tokens: Omit<Revocation, 'issuedBefore'>;
  /** Seconds since the epoch. */
  readonly issuedBefore: number;
}

/** When it is asked. */
export interface AskedAt {
  /** Seconds since the epoch. */
  readonly now: number;
  /** Seconds. */
  readonly clockTolerance: number;
}

const KNOWN = ['issuer', ...NAMED, 'issuedBefore'] as const;
const DAY = 86_400;

/**
 * Reads what an app asks to be revoked. A member that is there with `undefined` is an error: without it, more would be revoked
 * than is meant.
 * @throws TypeError saying which member is wrong, and what to do
 */
export function readRevocation(given: unknown, at: AskedAt): AskedRevocation {
  if (!isJsonObject(given)) throw wrong('revocation', given, `give { issuer, ${NAMED.join(' or ')} }`);
  for (const [name, value] of Object.entries(given)) checkMember(name, value);
  if (given['issuer'] === undefined) throw wrong('issuer', undefined, 'name the issuer of the tokens');
  if (!NAMED.some((name) => name in given))
    throw wrong('revocation', given, `name one of ${NAMED.join(', ')} beside issuer`);
  const { issuedBefore, ...tokens } = given;
  return {
    tokens: tokens as unknown as Revocation,
    issuedBefore: issuedBefore === undefined ? cutoffNow(given, at) : readTime(issuedBefore, at),
  };
}

function checkMember(name: string, value: unknown): void {
  if (!KNOWN.some((known) => known === name))
    throw wrong(name, value, `there is no such member; name ${KNOWN.join(', ')}`);
  if (value === undefined)
    throw wrong(name, value, 'leave the member out, or name its value: more would be revoked than you mean');
  if (name === 'certificate') checkCertificate(value);
  else if (name !== 'issuedBefore' && (typeof value !== 'string' || value === ''))
    throw wrong(name, value, 'give some text');
}

function checkCertificate(value: unknown): void {
  const { issuer, serialNumber, ...others } = isJsonObject(value) ? value : {};
  if (isText(issuer) && isText(serialNumber) && Object.keys(others).length === 0) return;
  throw wrong('certificate', value, 'give { issuer, serialNumber }, both text');
}

function isText(value: unknown): boolean {
  return typeof value === 'string' && value !== '';
}

/** A session, a token and a certificate never come again. The clock of the server may be ahead of this one. */
function cutoffNow(given: JsonObject, { now, clockTolerance }: AskedAt): number {
  return 'tokenId' in given || 'sessionId' in given || 'certificate' in given
    ? NEVER_AGAIN
    : now + clockTolerance;
}

function readTime(value: unknown, { now }: AskedAt): number {
  if (typeof value === 'number' && value >= 0 && value <= now + DAY) return value;
  throw wrong(
    'issuedBefore',
    value,
    'give seconds since the epoch, not milliseconds, and no later than tomorrow',
  );
}

function wrong(name: string, value: unknown, remedy: string): TypeError {
  const found = typeof value === 'number' ? String(value) : value === null ? 'null' : typeof value;
  return new TypeError(`${quoted(name)} is ${found}: ${remedy}`);
}
