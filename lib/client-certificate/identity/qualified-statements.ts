import {
  childrenOf,
  type DerElement,
  elementAt,
  OBJECT_IDENTIFIER,
  objectIdentifier,
  SEQUENCE,
} from '../chain/der.js';
import type { Psd2Role, Psd2Statement } from '../../cert-bound-auth.options.js';
import { messageOf } from '../../common/message-of.js';
import { textOf } from './text-of.js';

/** The statements of a qualified certificate (ETSI EN 319 412-5). */
export interface QualifiedStatements {
  /** What it is for, as object identifiers: a signature, a seal, a website. */
  readonly types: readonly string[];
  /** `undefined` where there is none, or one that is wrong. */
  readonly psd2: Psd2Statement | undefined;
  /** What is wrong with the statements; then none of them counts. */
  readonly fault: string | undefined;
}

export const NO_STATEMENTS: QualifiedStatements = { types: [], psd2: undefined, fault: undefined };

const QC_TYPE = '0.4.0.1862.1.6';
const PSD2 = '0.4.0.19495.2';
/** The type of a website certificate, QWAC. */
export const WEBSITE = '0.4.0.1862.1.6.3';

export const PSD2_ROLES: ReadonlyMap<string, Psd2Role> = new Map([
  ['0.4.0.19495.1.1', 'PSP_AS'],
  ['0.4.0.19495.1.2', 'PSP_PI'],
  ['0.4.0.19495.1.3', 'PSP_AI'],
  ['0.4.0.19495.1.4', 'PSP_IC'],
]);

/** Reads them strictly: sandboxes have issued certificates in which they are nested otherwise. @param der the extension's value */
export function readQualifiedStatements(der: Buffer): QualifiedStatements {
  try {
    const statements = childrenOf(der, wholeOf(der)).map((statement) => statementOf(der, statement));
    return {
      types: only(statements, QC_TYPE)?.map((type) => oidOf(der, type)) ?? [],
      psd2: psd2Of(der, only(statements, PSD2)),
      fault: undefined,
    };
  } catch (error) {
    return { ...NO_STATEMENTS, fault: messageOf(error) };
  }
}

function wholeOf(der: Buffer): DerElement {
  const element = elementAt(der, 0);
  if (element.end !== der.length) throw new RangeError('there is something behind it');
  return sequence(element);
}

interface Statement {
  readonly id: string;
  /** The elements of what it says. */
  readonly info: readonly DerElement[];
}

function statementOf(der: Buffer, element: DerElement): Statement {
  const [id, info] = childrenOf(der, sequence(element));
  if (id === undefined) throw new RangeError('a statement has no identifier');
  const name = oidOf(der, id);
  const isRead = name === QC_TYPE || name === PSD2;
  return { id: name, info: isRead && info !== undefined ? childrenOf(der, sequence(info)) : [] };
}

/** Of two that say the same thing it could not be told which one counts. */
function only(statements: readonly Statement[], id: string): readonly DerElement[] | undefined {
  const [first, ...others] = statements.filter((statement) => statement.id === id);
  if (others.length > 0) throw new RangeError(`there are several statements ${id}`);
  return first?.info;
}

/** `SEQUENCE { roles SEQUENCE OF SEQUENCE { OID, name }, nCAName, nCAId }` */
function psd2Of(der: Buffer, info: readonly DerElement[] | undefined): Psd2Statement | undefined {
  if (info === undefined) return undefined;
  const [roles, name, id, ...others] = info;
  if (roles === undefined || name === undefined || id === undefined || others.length > 0) {
    throw new RangeError('the statement of PSD2 is not roles, name and id of an authority');
  }
  return {
    roles: childrenOf(der, sequence(roles)).map((role) => roleOf(der, role)),
    nca: { name: requireText(der, name), id: requireText(der, id) },
  };
}

/** By its identifier; a name beside it that says something else makes it nobody's. */
function roleOf(der: Buffer, element: DerElement): Psd2Role {
  const [id, name] = childrenOf(der, sequence(element));
  if (id === undefined || name === undefined)
    throw new RangeError('a role of PSD2 is not an identifier and a name');
  const identifier = oidOf(der, id);
  const role = PSD2_ROLES.get(identifier);
  if (role === undefined) throw new RangeError(`${identifier} is no role of PSD2`);
  const text = requireText(der, name);
  if (text !== role)
    throw new RangeError(`the role ${identifier} is ${role}, and is called ${JSON.stringify(text)}`);
  return role;
}

function requireText(der: Buffer, element: DerElement): string {
  const text = textOf(der, element);
  if (text === undefined) throw new RangeError('a name in the statement of PSD2 is no text');
  return text;
}

function sequence(element: DerElement): DerElement {
  if (element.tag !== SEQUENCE) throw new RangeError('the statements are not nested as they should be');
  return element;
}

function oidOf(der: Buffer, { tag, content, end }: DerElement): string {
  if (tag !== OBJECT_IDENTIFIER)
    throw new RangeError('there is something else where an object identifier should be');
  return objectIdentifier(der.subarray(content, end));
}
