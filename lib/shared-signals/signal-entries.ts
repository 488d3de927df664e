import type { RevocationEntry } from '../cert-bound-auth.options.js';
import { certificateName, type NamedCertificate } from '../client-certificate/identity/certificate-name.js';
import {
  accountEntry,
  entriesFor,
  NEVER_AGAIN,
  type RevocationTimes,
  type RevokedTokens,
} from '../revocation/revocation-entry.js';
import type { SubjectReaction } from './reaction.js';

/** When an event happened, by the clock of its transmitter, and when it is taken in. */
export interface SignalTimes extends Omit<RevocationTimes, 'issuedBefore'> {
  /** Seconds since the epoch. */
  readonly happenedAt: number;
}

/** What is kept of an event that is about these tokens. */
export function signalEntries(
  reaction: SubjectReaction,
  tokens: readonly RevokedTokens[],
  times: SignalTimes,
): readonly RevocationEntry[] {
  switch (reaction.kind) {
    case 'revoke':
      return tokens.flatMap((each) => revoked(each, times));
    case 'end-session':
      return tokens.flatMap((each) => ended(each, times));
    case 'disable':
      return tokens.flatMap((each) => {
        const account = accountOf(each);
        return account === undefined ? revoked(each, times) : [accountEntry('revoke', account, at(times))];
      });
    case 'enable':
      return tokens.flatMap((each) => {
        const account = accountOf(each);
        return account === undefined ? [] : [accountEntry('lift', account, before(times))];
      });
  }
}

/**
 * What is kept of a certificate that is revoked: none where its issuer or number cannot be read.
 * @param issuers whose tokens may be bound to it
 */
export function certificateEntries(
  certificate: NamedCertificate,
  issuers: readonly string[],
  times: SignalTimes,
): readonly RevocationEntry[] {
  const names = namesOf(certificate);
  return issuers.flatMap((issuer) =>
    names.flatMap((name) =>
      entriesFor({ issuer, certificate: name }, { ...times, issuedBefore: NEVER_AGAIN }),
    ),
  );
}

/** A number of digits alone may be decimal as well; some write a space behind the comma, or the root first. */
function namesOf({ issuer, serialNumber }: NamedCertificate): readonly string[] {
  // Nobody writes them into a name: some receivers have them by splitting lines.
  if (CONTROL.test(issuer)) return [];
  const serials = /^\d{1,60}$/.test(serialNumber)
    ? [serialNumber, BigInt(serialNumber).toString(16)]
    : [serialNumber.replace(/^0x/i, '')];
  const parts = partsOf(issuer);
  const spellings = [issuer, parts.join(','), parts.toReversed().join(',')];
  const names = serials.flatMap((serial) =>
    spellings.flatMap((name) => nameOf({ issuer: name, serialNumber: serial })),
  );
  return [...new Set(names)];
}

// eslint-disable-next-line no-control-regex -- it is what is looked for
const CONTROL = /[\u0000-\u001f]/;

/** What stands between commas that are not escaped (RFC 4514 §2.4), without the spaces before it. */
function partsOf(name: string): readonly string[] {
  const parts = name.match(/(?:\\.?|[^\\,])+/gsu) ?? [];
  return parts.map((part) => part.trimStart());
}

function nameOf(certificate: NamedCertificate): readonly string[] {
  try {
    return [certificateName(certificate)];
  } catch {
    // What is no name is no certificate's.
    return [];
  }
}

function revoked(tokens: RevokedTokens, times: SignalTimes): readonly RevocationEntry[] {
  return entriesFor(tokens, tokens.tokenId === undefined ? at(times) : never(times));
}

/** The session never comes back; of the tokens that name none, new ones may be of another. */
function ended(tokens: RevokedTokens, times: SignalTimes): readonly RevocationEntry[] {
  if (tokens.sessionId === undefined) return revoked(tokens, times);
  const [session] = entriesFor(tokens, never(times));
  const [, ...withoutSession] = entriesFor(tokens, at(times));
  return [...(session === undefined ? [] : [session]), ...withoutSession];
}

/** Whether all tokens of a subject are meant. */
function accountOf(tokens: RevokedTokens): { readonly issuer: string; readonly subject: string } | undefined {
  const { issuer, subject, ...others } = tokens;
  return subject === undefined || Object.keys(others).length > 0 ? undefined : { issuer, subject };
}

function at(times: SignalTimes): RevocationTimes {
  return { ...times, issuedBefore: times.happenedAt };
}

/** What happened in the same second may have happened later. */
function before(times: SignalTimes): RevocationTimes {
  return { ...times, issuedBefore: Math.max(0, Math.ceil(times.happenedAt) - 1) };
}

function never(times: SignalTimes): RevocationTimes {
  return { ...times, issuedBefore: NEVER_AGAIN };
}
