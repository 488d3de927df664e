import { isJsonObject, type JsonObject } from '../jose/json-object.js';
import type { RevokedTokens } from '../revocation/revocation-entry.js';

/** Whose tokens a transmitter may speak of. */
export interface Speaker {
  /** The issuer of the tokens of users of this issuer; `undefined` where the transmitter does not speak for it. */
  readonly tokensOf: (issuer: string) => string | undefined;
  /** All issuers of tokens that it speaks for. */
  readonly issuers: readonly string[];
  /** Asks the app about a subject that no token names. */
  readonly find: (subject: JsonObject) => Promise<readonly RevokedTokens[]>;
  /** Members of complex subjects that must not be ignored (SSF 1.0 §7.1). */
  readonly criticalMembers: () => Promise<ReadonlySet<string>>;
}

/** Which tokens an event is about: none where nothing says so, or where it is about whom the transmitter does not speak for. */
export async function tokensOfSubject(subject: unknown, speaker: Speaker): Promise<readonly RevokedTokens[]> {
  const identifier = identifierOf(subject);
  if (identifier === undefined) return [];
  return identifier['format'] === 'complex' ? ofComplex(identifier, speaker) : ofSimple(identifier, speaker);
}

/** Google still names the format by another member, with hyphens (RISC 1.0 appendix). */
export function identifierOf(subject: unknown): JsonObject | undefined {
  if (!isJsonObject(subject)) return undefined;
  const { format, subject_type: former } = subject;
  if (typeof format === 'string') return subject;
  return typeof former === 'string' ? { ...subject, format: former.replaceAll('-', '_') } : undefined;
}

/** @see RFC 9493 §3.2, SSF 1.0 §3.5 */
async function ofSimple(identifier: JsonObject, speaker: Speaker): Promise<readonly RevokedTokens[]> {
  const { iss, sub, jti, id, identifiers } = identifier;
  switch (identifier['format']) {
    case 'iss_sub':
      return ofIssuer(iss, speaker).flatMap((issuer) => (isText(sub) ? [{ issuer, subject: sub }] : []));
    case 'jwt_id':
      return ofIssuer(iss, speaker).flatMap((issuer) => (isText(jti) ? [{ issuer, tokenId: jti }] : []));
    case 'opaque': {
      if (!isText(id)) return [];
      // It does not say whether it names a session or a user.
      const named = speaker.issuers.flatMap((issuer) => [
        { issuer, sessionId: id },
        { issuer, subject: id },
      ]);
      return [...named, ...(await speaker.find(identifier))];
    }
    case 'aliases': {
      // They are not nested.
      const others = (Array.isArray(identifiers) ? identifiers : [])
        .map((each) => identifierOf(each))
        .filter((each) => each !== undefined && each['format'] !== 'aliases' && each['format'] !== 'complex');
      return (await Promise.all(others.map(async (each) => ofSimple(each as JsonObject, speaker)))).flat();
    }
    default:
      return speaker.find(identifier);
  }
}

function ofIssuer(iss: unknown, { tokensOf }: Speaker): readonly string[] {
  const issuer = typeof iss === 'string' ? tokensOf(iss) : undefined;
  return issuer === undefined ? [] : [issuer];
}

/** All of its members describe one and the same; those that no token tells of make it wider. */
async function ofComplex(subject: JsonObject, speaker: Speaker): Promise<readonly RevokedTokens[]> {
  const [user, session] = [identifierOf(subject['user']), identifierOf(subject['session'])];
  const sid = isText(session?.['id']) ? session['id'] : undefined;
  const read = new Set(['format']);
  if (user !== undefined) read.add('user');
  if (sid !== undefined) read.add('session');
  const critical = await speaker.criticalMembers();
  if (Object.keys(subject).some((name) => critical.has(name) && !read.has(name))) return [];
  if (user === undefined) return sessionOf(sid, speaker);
  const users = await usersOf(user, speaker);
  // Nobody knows whose session it is, but it has ended.
  if (users.length === 0 && !namesIssuer(user)) return sessionOf(sid, speaker);
  return sid === undefined ? users : users.map((each) => ({ ...each, sessionId: sid }));
}

/** Of somebody whom the transmitter does not speak for, the session is not one of its either. */
function namesIssuer({ identifiers, ...own }: JsonObject): boolean {
  const all: readonly unknown[] = [own, ...(Array.isArray(identifiers) ? identifiers : [])];
  return all.some((each) => isJsonObject(each) && ('iss' in each || 'issuer' in each));
}

function sessionOf(sid: string | undefined, { issuers }: Speaker): readonly RevokedTokens[] {
  return sid === undefined ? [] : issuers.map((issuer) => ({ issuer, sessionId: sid }));
}

async function usersOf(user: JsonObject, speaker: Speaker): Promise<readonly RevokedTokens[]> {
  return (await ofSimple(user, speaker)).filter(({ sessionId }) => sessionId === undefined);
}

function isText(value: unknown): value is string {
  return typeof value === 'string' && value !== '';
}
