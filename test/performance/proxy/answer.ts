import { request } from 'node:http';

/** What a server answers, without the headers that Node itself adds. */
export interface Answer {
  readonly status: number;
  readonly headers: readonly (readonly [name: string, value: string])[];
  readonly body: string;
}

/** Added by Node, or by whoever gives the same answer. */
const BY_NODE = new Set(['date', 'connection', 'keep-alive', 'content-length', 'transfer-encoding']);

/** Asks once. @param lines of the request, without the first and the host */
export async function askOnce(port: number, path: string, lines: readonly string[]): Promise<Answer> {
  const headers = Object.fromEntries(
    lines.map((line) => [line.slice(0, line.indexOf(':')), line.slice(line.indexOf(':') + 2)]),
  );
  return new Promise((resolve, reject) => {
    const outgoing = request({ host: '127.0.0.1', port, path, headers, agent: false }, (response) => {
      let body = '';
      response.setEncoding('utf8').on('data', (chunk: string) => (body += chunk));
      response.on('error', reject);
      response.on('end', () => {
        const { statusCode: status = 0, rawHeaders } = response;
        resolve({ status, headers: pairsOf(rawHeaders).filter(([name]) => !isByNode(name)), body });
      });
    });
    outgoing.on('error', reject).end();
  });
}

function pairsOf(rawHeaders: readonly string[]): readonly (readonly [string, string])[] {
  return Array.from({ length: rawHeaders.length / 2 }, (_, index) => [
    rawHeaders[2 * index] ?? '',
    rawHeaders[2 * index + 1] ?? '',
  ]);
}

function isByNode(name: string): boolean {
  return BY_NODE.has(name.toLowerCase());
}
