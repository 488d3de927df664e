import { messageOf } from '../../common/message-of.js';
import { type ListReading, readRevocationList, type RevocationList } from '../chain/revocation-list.js';

/** A list with the bytes that it was read from: plain data, which a worker can hand over. */
export interface ReadList {
  readonly der: Uint8Array<ArrayBuffer>;
  readonly list: RevocationList;
}

/** What a file or an answer holds: all of it can be read, or nothing counts. */
export type ListsReading =
  | { readonly kind: 'lists'; readonly lists: readonly ReadList[] }
  | { readonly kind: 'refused'; readonly problem: string };

const PEM_BEGIN = '-----BEGIN X509 CRL-----';
const PEM_END = '-----END X509 CRL-----';
/** The tag of a SEQUENCE. */
const DER_BEGIN = 0x30;

/** Reads lists: one in DER, or PEM with any number of them. */
export function readLists(content: Buffer): ListsReading {
  try {
    const ders = content[0] === DER_BEGIN ? [Buffer.from(content)] : blocksIn(content);
    if (ders.length === 0) return { kind: 'refused', problem: 'no revocation list is in it, PEM or DER' };
    const lists: ReadList[] = [];
    for (const der of ders) {
      const reading: ListReading = readRevocationList(der);
      if (reading.kind === 'refused') return reading;
      lists.push({ der: ownBytes(der), list: reading.list });
    }
    return { kind: 'lists', lists };
  } catch (error) {
    return { kind: 'refused', problem: messageOf(error) };
  }
}

/** What a thread can hand over with it, each once: empty lists share what they have. */
export function memoryOf(reading: ListsReading): ArrayBuffer[] {
  const lists = reading.kind === 'lists' ? reading.lists : [];
  const memory = lists.flatMap(({ der, list: { revoked } }) => memoryOfList(der, revoked));
  return [...new Set(memory)];
}

function memoryOfList(der: Uint8Array<ArrayBuffer>, revoked: RevocationList['revoked']): ArrayBuffer[] {
  return [der.buffer, revoked.bytes.buffer, revoked.slots.buffer];
}

/** @throws Error when one is cut off */
function blocksIn(content: Buffer): readonly Buffer[] {
  const blocks: Buffer[] = [];
  for (let from = content.indexOf(PEM_BEGIN); from !== -1; from = content.indexOf(PEM_BEGIN, from)) {
    const end = content.indexOf(PEM_END, from);
    if (end === -1) throw new Error('a revocation list is cut off');
    const text = content.toString('latin1', from + PEM_BEGIN.length, end);
    blocks.push(Buffer.from(text, 'base64'));
    from = end;
  }
  return blocks;
}

/** Small buffers share one memory, which cannot be handed over. */
function ownBytes(der: Buffer): Uint8Array<ArrayBuffer> {
  return new Uint8Array(der);
}
