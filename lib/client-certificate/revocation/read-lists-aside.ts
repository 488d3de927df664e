import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import { messageOf } from '../../common/message-of.js';
import { type ListsReading, readLists } from './read-lists.js';

/** Bytes: to read so many here takes a few milliseconds, and a worker some thirty. */
const LARGE = 1_000_000;

/**
 * Reads lists, large ones in a worker thread, so that requests go on. Where the file of the worker is not there, in an app that
 * was bundled into one file or made CommonJS, they are read here.
 */
export async function readListsAside(content: Buffer): Promise<ListsReading> {
  const file = content.length < LARGE ? undefined : await workerFile();
  if (file === undefined) return readLists(content);
  // A copy of its own, for memory that is handed over is lost here.
  const own = new Uint8Array(content);
  return new Promise((resolve) => {
    const worker = new Worker(file, { workerData: own, transferList: [own.buffer] });
    worker.unref();
    worker.once('message', (reading: ListsReading) => resolve(reading));
    worker.once('error', (error) => resolve({ kind: 'refused', problem: messageOf(error) }));
    worker.once('exit', () =>
      resolve({ kind: 'refused', problem: 'the worker that was to read it has ended' }),
    );
  });
}

async function workerFile(): Promise<URL | undefined> {
  try {
    const { LIST_WORKER } = await import('./list-worker-url.js');
    return existsSync(fileURLToPath(LIST_WORKER)) ? LIST_WORKER : undefined;
  } catch {
    return undefined;
  }
}
