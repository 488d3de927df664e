import {
  IsIn,
  IsObject,
  ValidateBy,
  ValidateIf,
  ValidateNested,
  type ValidationArguments,
} from './class-validator.js';
import { validateHeaderName } from 'node:http';
import { isJsonObject, type JsonObject } from '../jose/json-object.js';
import { bytesOf } from '../jose/shared-secret.js';
import { type GroupOf, hasOptions, LISTED, listsProblems, type ProblemsOf } from './declared-options.js';

/** Most entries of a cache. */
export const MOST_ENTRIES = 10_000_000;

/** The other checks hold only where the option is given; `@IsOptional()` would also admit `null`. */
export function Given(): PropertyDecorator {
  return ValidateIf((_, value) => value !== undefined);
}

/** The option is what a test says, which also gets the settings that the option is one of. @param name of the check */
export function Satisfies(
  name: string,
  message: string,
  test: (value: unknown, owner: object) => boolean,
): PropertyDecorator {
  const validate = (value: unknown, at?: ValidationArguments): boolean => test(value, at?.object ?? {});
  return ValidateBy({ name, validator: { validate, defaultMessage: () => message } });
}

/** The option has none of the problems that a check lists, each with its path and its remedy. */
export function HasNoProblems(problemsIn: ProblemsOf): PropertyDecorator {
  return (target, name) => {
    listsProblems(problemsIn)(target, name);
    const isRight = (value: unknown, owner: object): boolean =>
      problemsIn(value, '', owner as JsonObject).length === 0;
    Satisfies(LISTED, '', isRight)(target, name);
  };
}

/** The option is a group of options, which has a declaration of its own. */
export function IsGroup(message: string, declarationOf: GroupOf): PropertyDecorator {
  return (target, name) => {
    hasOptions('group', declarationOf)(target, name);
    ValidateNested()(target, name);
    IsObject({ message })(target, name);
  };
}

/** As {@link IsGroup}, or `false`. */
export function IsGroupOrFalse(message: string, declarationOf: GroupOf): PropertyDecorator {
  return (target, name) => {
    IsGroup(message, declarationOf)(target, name);
    ValidateIf((_, value) => value !== false)(target, name);
  };
}

/** Seconds, fractions included. */
export function IsSeconds(most = Number.MAX_SAFE_INTEGER): PropertyDecorator {
  const range = most === Number.MAX_SAFE_INTEGER ? '0 or more' : `0 to ${most}`;
  return Satisfies('seconds', `give a number of seconds, ${range}`, isNumberFrom(0, most));
}

export function IsNumberFrom(least: number, most: number, unit: string): PropertyDecorator {
  return Satisfies('numberFrom', `give a number of ${unit}, ${least} to ${most}`, isNumberFrom(least, most));
}

function isNumberFrom(least: number, most: number): (value: unknown) => boolean {
  return (value) => typeof value === 'number' && value >= least && value <= most;
}

export function IsPositiveInt(most: number): PropertyDecorator {
  const isInRange = isNumberFrom(1, most);
  return Satisfies(
    'positiveInt',
    `give a whole number, 1 to ${most}`,
    (value) => Number.isSafeInteger(value) && isInRange(value),
  );
}

/** Text of at least one character, with nothing unseen around it or in it. */
export function IsText(message: string): PropertyDecorator {
  return (target, name) => {
    Satisfies('text', message, isText)(target, name);
    Satisfies('bare', BARE, isBare)(target, name);
  };
}

export const BARE =
  'remove the line end or other white space around it, or the control character in it (text from a file often ends with a line end)';

// eslint-disable-next-line no-control-regex -- those are what is looked for
const CONTROL = /[\u0000-\u001f\u007f-\u009f]/;

/** Nobody means a byte order mark either, which counts as white space here. */
export function isBare(value: unknown): boolean {
  return [value]
    .flat()
    .every((item) => typeof item !== 'string' || (item === item.trim() && !CONTROL.test(item)));
}

/** Where a claim is. */
export function IsClaimPath(message: string): PropertyDecorator {
  return (target, name) => {
    Satisfies('claimPath', message, isTextOrTexts)(target, name);
    Satisfies('bare', BARE, isBare)(target, name);
  };
}

/** Where several claims are. */
export function IsClaimPaths(): PropertyDecorator {
  return Satisfies('claimPaths', 'give a list of names or paths of claims', areClaimPaths);
}

export function IsTextRecord(): PropertyDecorator {
  return Satisfies(
    'textRecord',
    'give an object whose values are strings',
    (value) => isJsonObject(value) && Object.values(value).every((item) => typeof item === 'string'),
  );
}

/** One `aud` value, or several. */
export function IsAudience(): PropertyDecorator {
  const message = `name the aud values of this API's tokens, as 'https://api.example.com' or a list of such`;
  return (target, name) => {
    Satisfies('audience', message, isTextOrTexts)(target, name);
    Satisfies('bare', BARE, isBare)(target, name);
  };
}

export function IsBindingPolicy(): PropertyDecorator {
  const message = `use 'required' (every token must be bound) or 'if-bound'`;
  return IsIn(['required', 'if-bound'], { message });
}

/** Bytes are any; of text, nobody sees what is around it or in it, and another program may leave it out. */
export function IsSecret(message = 'give at least 32 bytes'): PropertyDecorator {
  return (target, name) => {
    Satisfies('secret', message, isLongSecret)(target, name);
    Satisfies('bare', BARE, isBare)(target, name);
  };
}

export function isLongSecret(value: unknown): boolean {
  return (typeof value === 'string' || value instanceof Uint8Array) && bytesOf(value).length >= 32;
}

export function IsMaterial(list: 'one' | 'or-list'): PropertyDecorator {
  return Satisfies('material', 'give PEM text or its bytes', (value) => {
    const items: readonly unknown[] = list === 'or-list' && Array.isArray(value) ? value : [value];
    return items.length > 0 && items.every((item) => isPem(item));
  });
}

export function IsFunction(message: string): PropertyDecorator {
  return Satisfies('function', message, isFunction);
}

export function isText(value: unknown): value is string {
  return typeof value === 'string' && value !== '';
}

export function isTexts(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every((item) => isText(item));
}

/** At least one place of a claim. */
export function isClaimPaths(value: unknown): boolean {
  return areClaimPaths(value) && value.length > 0;
}

function areClaimPaths(value: unknown): value is readonly unknown[] {
  return Array.isArray(value) && value.every((item) => isTextOrTexts(item));
}

/** Text, or a list of at least one. */
export function isTextOrTexts(value: unknown): boolean {
  const list = typeof value === 'string' ? [value] : value;
  return isTexts(list) && list.length > 0;
}

export function isPem(value: unknown): boolean {
  return (typeof value === 'string' || Buffer.isBuffer(value)) && value.toString().includes('-----BEGIN ');
}

export function isFunction(value: unknown): boolean {
  return typeof value === 'function';
}

/** Whether a header can have this name (RFC 9110 §5.1). */
export function isHeaderName(name: string): boolean {
  try {
    validateHeaderName(name);
    return true;
  } catch {
    return false;
  }
}

export function areOrigins(value: unknown): boolean {
  return (
    Array.isArray(value) &&
    value.every((each) => typeof each === 'string' && URL.canParse(each) && new URL(each).origin === each)
  );
}
