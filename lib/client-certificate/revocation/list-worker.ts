import { parentPort, workerData } from 'node:worker_threads';
import { memoryOf, readLists } from './read-lists.js';

// The way of a large list: its bytes come in, and go out again with what was read of them. Nothing is copied on the way.
const content = workerData as Uint8Array<ArrayBuffer>;
const reading = readLists(Buffer.from(content.buffer, content.byteOffset, content.byteLength));
parentPort?.postMessage(reading, memoryOf(reading));
