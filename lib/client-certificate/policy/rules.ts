import type { CertificateNames, CertificateRule } from '../../cert-bound-auth.options.js';
import { canonicalDns, canonicalEmail, canonicalIp } from '../identity/alternative-names.js';
import { ATTRIBUTE_TYPES } from '../identity/attribute-types.js';
import { canonicalSerialNumber, type CertificateIdentity } from '../identity/certificate-identity.js';
import { exactKey, onlyValueOf, valuesOf } from '../identity/distinguished-name.js';
import { parseRfc4514 } from '../identity/parse-rfc4514.js';
import { isThumbprint } from '../certificate-thumbprint.js';
import { describeIdentity } from './describe-identity.js';

/** A certificate that rules are asked about. */
export interface Subject {
  readonly identity: CertificateIdentity;
  readonly thumbprint: string;
}

/**
 * Whether a rule matches a certificate. To allow it, in the strictest reading; to deny it, in the widest one.
 */
export type Rule = (subject: Subject, purpose: 'allow' | 'deny') => boolean;

/** What each member of a rule compares. @throws Error where its value can match nothing */
const MEMBERS: Readonly<Record<keyof CertificateNames, (value: string) => Rule>> = {
  dn: (value) => {
    const key = exactKey(parseRfc4514(value));
    return ({ identity }) => exactKey(identity.subject) === key;
  },
  cn: (value) => attributeRule(ATTRIBUTE_TYPES.CN, value),
  o: (value) => attributeRule(ATTRIBUTE_TYPES.O, value),
  dns: (value) => alternativeRule('dns', canonicalDns(value)),
  uri: (value) => alternativeRule('uri', value),
  email: (value) => alternativeRule('email', canonicalEmail(value)),
  ip: (value) => alternativeRule('ip', ipIn(value)),
  serialNumber: (value) => {
    if (!/^[\da-f][\da-f:]*$/i.test(value)) throw new Error('it is no hex');
    const serialNumber = canonicalSerialNumber(value);
    return ({ identity }) => identity.serialNumber === serialNumber;
  },
  issuer: (value) => {
    const key = exactKey(parseRfc4514(value));
    return ({ identity }) => exactKey(identity.issuer) === key;
  },
  thumbprint: (value) => {
    if (!isThumbprint(value)) throw new Error('it is no SHA-256 in base64url (43 characters)');
    return ({ thumbprint }) => thumbprint === value;
  },
};

export const RULE_MEMBERS = Object.keys(MEMBERS) as readonly (keyof CertificateNames)[];

function attributeRule(type: string, value: string): Rule {
  return ({ identity: { subject } }, purpose) =>
    purpose === 'allow' ? onlyValueOf(subject, type) === value : valuesOf(subject, type).includes(value);
}

function alternativeRule(kind: 'dns' | 'uri' | 'email' | 'ip', value: string): Rule {
  return ({ identity }) => identity.alternativeNames[kind].includes(value);
}

function ipIn(value: string): string {
  if (!/^[\d.]+$|^[\da-f:.]*:[\da-f:.]*$/i.test(value)) throw new Error('it is no IP address');
  return canonicalIp(value);
}

/** What is wrong with a rule, as its remedy; `undefined` where nothing is. */
export function ruleProblem(rule: unknown): string | undefined {
  try {
    parseRule(rule as CertificateRule);
    return undefined;
  } catch (error) {
    return (error as Error).message;
  }
}

/** @throws Error with the remedy for what is no rule */
export function parseRule(rule: CertificateRule): Rule {
  if (typeof rule === 'function') return ownRule(rule);
  const given = membersOf(rule);
  if (given.some(([name]) => name === 'serialNumber') && rule.issuer === undefined) {
    throw new Error('name the issuer as well: each CA counts its certificates for itself');
  }
  const rules = given.map(([name, value]) => memberRule(name, value));
  return (subject, purpose) => rules.every((each) => each(subject, purpose));
}

function membersOf(rule: unknown): readonly (readonly [string, unknown])[] {
  const given = Object.entries(typeof rule === 'object' && rule !== null ? rule : {});
  // One that is there with `undefined` counts, and is wrong: without it, the rule would match more than is meant.
  if (given.length > 0) return given;
  throw new Error(`give a function, or one or more of ${RULE_MEMBERS.join(', ')}`);
}

function memberRule(name: string, value: unknown): Rule {
  const make = Object.hasOwn(MEMBERS, name) ? MEMBERS[name as keyof CertificateNames] : undefined;
  if (make === undefined) throw new Error(`${name} is no part of a rule: use ${RULE_MEMBERS.join(', ')}`);
  if (typeof value !== 'string' || value === '') throw new Error(`${name} must be text`);
  try {
    return make(value);
  } catch (error) {
    throw new Error(`${name}: ${(error as Error).message}`, { cause: error });
  }
}

/** Only `true` allows, and only `false` does not deny: what is neither, as a promise, is no answer. */
function ownRule(matches: (certificate: ReturnType<typeof describeIdentity>) => unknown): Rule {
  return ({ identity, thumbprint }, purpose) => {
    const answer = matches(describeIdentity(identity, thumbprint));
    return purpose === 'allow' ? answer === true : answer !== false;
  };
}
