import { readFile, writeFile } from 'node:fs/promises';

/** What a request is sent with: a token, and a DPoP proof or none. */
export interface Credentials {
  readonly token: string;
  readonly proof?: string;
}

/** Writes credentials, one a line, for the process of the load to read. */
export async function writeCredentials(file: string, credentials: readonly Credentials[]): Promise<void> {
  const lines = credentials.map(({ token, proof }) => (proof === undefined ? token : `${token} ${proof}`));
  await writeFile(file, lines.join('\n'));
}

/** Reads them. */
export async function readCredentials(file: string): Promise<readonly Credentials[]> {
  const text = await readFile(file, 'utf8');
  return text.split('\n').map((line) => {
    const [token = '', proof] = line.split(' ');
    return proof === undefined ? { token } : { token, proof };
  });
}
