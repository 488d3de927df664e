import { readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { isJsonObject, type JsonObject } from '../jose/json-object.js';
import { type ConfigurationProblem, problem } from '../options/configuration-error.js';

/** A configuration in which every reference stands for what it refers to. */
export interface Dereferenced {
  readonly value: unknown;
  readonly problems: readonly ConfigurationProblem[];
}

/**
 * Puts the value of an environment variable in the place of `{ "env": "NAME" }`, and the text of a file, without the
 * line end at its end, in that of `{ "file": "path" }`: secrets and keys need not stand in a configuration.
 * @param file of the configuration: paths are relative to it
 */
export function dereference(config: unknown, file: string): Dereferenced {
  const problems: ConfigurationProblem[] = [];
  const visit = (value: unknown, path: string, inMap: boolean): unknown => {
    if (Array.isArray(value))
      return value.map((item: unknown, index) => visit(item, `${path}[${index}]`, false));
    if (!isJsonObject(value)) return value;
    const found = inMap ? undefined : referenceIn(value);
    if (found === undefined) return visitFields(value, path);
    const text = read(found, dirname(file));
    if (text.kind === 'text') return text.text;
    problems.push(problem(path, undefined, text.remedy));
    return undefined;
  };
  const visitFields = (fields: JsonObject, path: string): JsonObject =>
    Object.fromEntries(
      Object.entries(fields).map(([name, value]) => [
        name,
        visit(value, path === '' ? name : `${path}.${name}`, MAPS.has(name)),
      ]),
    );
  return { value: visit(config, '', true), problems };
}

/** Where the names are the user's own, and may be `env` and `file`. */
const MAPS = new Set(['policies', 'parameters', 'headers', 'credentialHeaders']);

type Reference = { readonly kind: 'env' | 'file'; readonly name: string };

function referenceIn(value: JsonObject): Reference | undefined {
  const [[kind, name] = [], ...others] = Object.entries(value);
  if (others.length > 0 || typeof name !== 'string') return undefined;
  return kind === 'env' || kind === 'file' ? { kind, name } : undefined;
}

type Text =
  { readonly kind: 'text'; readonly text: string } | { readonly kind: 'fault'; readonly remedy: string };

function read({ kind, name }: Reference, folder: string): Text {
  if (kind === 'file') return readText(resolve(folder, name));
  const text = process.env[name];
  if (text !== undefined && text !== '') return { kind: 'text', text };
  return { kind: 'fault', remedy: `the environment variable ${name} is not set` };
}

function readText(path: string): Text {
  try {
    return { kind: 'text', text: readFileSync(path, 'utf8').replace(/\r?\n$/, '') };
  } catch (error) {
    return { kind: 'fault', remedy: `${path} cannot be read (${(error as NodeJS.ErrnoException).code})` };
  }
}
