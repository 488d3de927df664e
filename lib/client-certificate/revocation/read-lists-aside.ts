import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import { messageOf } from '../../common/message-of.js';
import { type ListsReading, readLists } from './read-lists.js';

/** Bytes: to read so many here takes a few milliseconds, and a worker some thirty. */
const LARGE = 1_000_000;

const WORKER = new URL('./list-worker.js', import.meta.url);

/**
 * Reads lists, large ones in a worker thread, so that requests go on. Where the file of the worker is not there, in an app that
 * was bundled into one file, they are read here.
 */
export async function readListsAside(content: Buffer): Promise<ListsReading> {
  if (content.length < LARGE || !existsSync(fileURLToPath(WORKER))) return readLists(content);
  // A copy of its own, for memory that is handed over is lost here.
  const own = new Uint8Array(content);
  return new Promise((resolve) => {
    const worker = new Worker(WORKER, { workerData: own, transferList: [own.buffer] });
    worker.unref();
    worker.once('message', (reading: ListsReading) => resolve(reading));
    worker.once('error', (error) => resolve({ kind: 'refused', problem: messageOf(error) }));
    worker.once('exit', () =>
      resolve({ kind: 'refused', problem: 'the worker that was to read it has ended' }),
    );
  });
}
