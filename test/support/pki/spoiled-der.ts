import { childrenOf, elementAt } from '../../../lib/client-certificate/chain/der.js';
import { tlv } from './der-writer.js';

/** An element with what it holds: other elements, or bytes. */
interface Node {
  readonly tag: number;
  /** Octets before the elements that a BIT STRING holds. */
  readonly prefix: Buffer;
  readonly content: Buffer | readonly Node[];
}

const BIT_STRING = 3;
const OCTET_STRING = 4;
const CONSTRUCTED = 0x20;
const NULL = 5;

/**
 * The same DER with one of its elements spoiled, of whatever depth, in every way: left out, there twice, empty, or of another type.
 * Lengths are those of what is there.
 */
export function spoiledDer(der: Buffer): readonly Buffer[] {
  return variantsOf(nodeOf(der)).map(write);
}

function nodeOf(der: Buffer, start = 0): Node {
  const element = elementAt(der, start);
  const { tag, content, end } = element;
  const whole = { tag, prefix: Buffer.alloc(0), content: der.subarray(content, end) };
  if ((tag & CONSTRUCTED) !== 0)
    return { ...whole, content: childrenOf(der, element).map((child) => nodeOf(der, child.start)) };
  return tag === OCTET_STRING || tag === BIT_STRING ? wrapperOf(whole) : whole;
}

/** What holds DER as bytes; it is left as it is where these are something else. */
function wrapperOf(node: Node & { readonly content: Buffer }): Node {
  const skipped = node.tag === BIT_STRING ? 1 : 0;
  const inner = node.content.subarray(skipped);
  try {
    if (elementAt(inner, 0).end !== inner.length) return node;
    return { ...node, prefix: node.content.subarray(0, skipped), content: [nodeOf(inner)] };
  } catch {
    return node;
  }
}

function variantsOf(node: Node): readonly Node[] {
  const { content } = node;
  const own = [
    { ...node, prefix: Buffer.alloc(0), content: [] },
    { ...node, tag: NULL },
    { ...node, tag: node.tag ^ 0x80 },
  ];
  if (Buffer.isBuffer(content)) return own;
  const inside = content.flatMap((child, at) => {
    const others = (...instead: readonly Node[]): Node => ({
      ...node,
      content: content.toSpliced(at, 1, ...instead),
    });
    return [others(), others(child, child), ...variantsOf(child).map((each) => others(each))];
  });
  return [...own, ...inside];
}

function write({ tag, prefix, content }: Node): Buffer {
  return tlv(tag, prefix, ...(Buffer.isBuffer(content) ? [content] : content.map(write)));
}
