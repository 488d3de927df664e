import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';

/** Where the TLS material of a server is: paths of PEM files. */
export interface TlsFilePaths {
  /** The server's private key. */
  readonly key: string;
  /** The server's certificate and its chain. */
  readonly cert: string;
  /** The CAs that issue client certificates. */
  readonly ca: string | readonly string[];
  /** CAs between those of `ca` and clients, which are not trusted by themselves. @default none */
  readonly intermediates?: string | readonly string[];
  /** Certificate revocation lists, one for every CA in the chain of a client (OpenSSL asks for all). @default none */
  readonly crl?: string | readonly string[];
}

const FIELDS = ['key', 'cert', 'ca', 'intermediates', 'crl'] as const;
const OPTIONAL: ReadonlySet<TlsField> = new Set<TlsField>(['intermediates', 'crl']);
export type TlsField = (typeof FIELDS)[number];

/** A file as it was when it was read. */
export interface TlsFile {
  readonly field: TlsField;
  readonly path: string;
  /** Its bytes, or why it could not be read: `ENOENT`. */
  readonly content: Buffer | string;
}

/** Reads all files; one that can't be read is an entry with the reason. */
export async function readTlsFiles(paths: TlsFilePaths): Promise<readonly TlsFile[]> {
  return Promise.all(
    FIELDS.flatMap((field) => pathsOf(paths[field]).map((path) => readTlsFile(field, path as string))),
  );
}

async function readTlsFile(field: TlsField, name: string): Promise<TlsFile> {
  const path = resolve(name);
  try {
    return { field, path, content: await readFile(path) };
  } catch (error) {
    return { field, path, content: (error as NodeJS.ErrnoException).code ?? String(error) };
  }
}

/** Whether two readings of the same paths found the same. Cheap: revocation lists can have megabytes. */
export function sameContent(some: readonly TlsFile[], others: readonly TlsFile[]): boolean {
  return some.length === others.length && some.every((file, index) => isSame(file, others[index]));
}

function isSame({ content }: TlsFile, other: TlsFile | undefined): boolean {
  if (other === undefined || typeof content === 'string') return content === other?.content;
  return typeof other.content !== 'string' && content.equals(other.content);
}

/**
 * Checks paths before anything is read.
 * @throws TypeError for what is no path; it never shows the value, which may be a private key
 */
export function checkPaths(paths: TlsFilePaths): void {
  const wrong = FIELDS.filter((field) => !OPTIONAL.has(field) || paths[field] !== undefined).filter(
    (field) => {
      const names = pathsOf(paths[field]);
      return names.length === 0 || !names.every(isPath);
    },
  );
  if (wrong.length > 0) {
    throw new TypeError(`watchTls: ${wrong.join(', ')} must be the path of a PEM file, not its content`);
  }
}

function pathsOf(paths: unknown): readonly unknown[] {
  if (paths === undefined) return [];
  return Array.isArray(paths) ? (paths as readonly unknown[]) : [paths];
}

function isPath(value: unknown): boolean {
  return typeof value === 'string' && value !== '' && !value.includes('-----BEGIN');
}
