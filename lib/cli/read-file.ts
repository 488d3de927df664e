import { readFileSync } from 'node:fs';
import { Misuse } from './misuse.js';

/** @throws Misuse where a file cannot be read */
export function readText(file: string): string {
  return readBytes(file).toString();
}

/** @throws Misuse where a file cannot be read */
export function readBytes(file: string): Buffer {
  try {
    return readFileSync(file);
  } catch (error) {
    throw new Misuse(`${file} cannot be read (${(error as NodeJS.ErrnoException).code})`);
  }
}
