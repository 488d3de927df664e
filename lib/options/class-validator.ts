// oxlint-disable-next-line typescript/triple-slash-reference -- whoever compiles this file needs those types
/// <reference path="./class-validator-files.d.ts" />
/**
 * What is used of class-validator, from its own files: the package as a whole loads a library of telephone numbers and three
 * hundred files more, which no option needs, and with which an app starts a quarter of a second later and 12 MB larger.
 */
import type * as whole from 'class-validator';
import { Allow as allow } from 'class-validator/cjs/decorator/common/Allow.js';
import { ArrayNotEmpty as arrayNotEmpty } from 'class-validator/cjs/decorator/array/ArrayNotEmpty.js';
import { IsArray as isArray } from 'class-validator/cjs/decorator/typechecker/IsArray.js';
import { IsBoolean as isBoolean } from 'class-validator/cjs/decorator/typechecker/IsBoolean.js';
import { IsDefined as isDefined } from 'class-validator/cjs/decorator/common/IsDefined.js';
import { IsIn as isIn } from 'class-validator/cjs/decorator/common/IsIn.js';
import { IsNotEmpty as isNotEmpty } from 'class-validator/cjs/decorator/common/IsNotEmpty.js';
import { IsObject as isObject } from 'class-validator/cjs/decorator/typechecker/IsObject.js';
import { IsString as isString } from 'class-validator/cjs/decorator/typechecker/IsString.js';
import { Matches as matches } from 'class-validator/cjs/decorator/string/Matches.js';
import { ValidateBy as validateBy } from 'class-validator/cjs/decorator/common/ValidateBy.js';
import { ValidateIf as validateIf } from 'class-validator/cjs/decorator/common/ValidateIf.js';
import { ValidateNested as validateNested } from 'class-validator/cjs/decorator/common/ValidateNested.js';
import { getMetadataStorage as metadataStorage } from 'class-validator/cjs/metadata/MetadataStorage.js';
import { Validator as validator } from 'class-validator/cjs/validation/Validator.js';

export type { ValidationArguments, ValidationError } from 'class-validator';

export const Allow: typeof whole.Allow = allow;
export const ArrayNotEmpty: typeof whole.ArrayNotEmpty = arrayNotEmpty;
export const IsArray: typeof whole.IsArray = isArray;
export const IsBoolean: typeof whole.IsBoolean = isBoolean;
export const IsDefined: typeof whole.IsDefined = isDefined;
export const IsIn: typeof whole.IsIn = isIn;
export const IsNotEmpty: typeof whole.IsNotEmpty = isNotEmpty;
export const IsObject: typeof whole.IsObject = isObject;
export const IsString: typeof whole.IsString = isString;
export const Matches: typeof whole.Matches = matches;
export const ValidateBy: typeof whole.ValidateBy = validateBy;
export const ValidateIf: typeof whole.ValidateIf = validateIf;
export const ValidateNested: typeof whole.ValidateNested = validateNested;
export const getMetadataStorage: typeof whole.getMetadataStorage = metadataStorage;
export const Validator: typeof whole.Validator = validator;
