/**
 * The dotted form of an object identifier (X.690 §8.19).
 * @throws RangeError for what is none, or too long
 */
export function objectIdentifier(content: Uint8Array): string {
  const arcs: bigint[] = [];
  let arc = 0n;
  if (content.length === 0 || content.length > MOST_BYTES) throw new RangeError('it is no object identifier');
  for (const [index, byte] of content.entries()) {
    if (arc === 0n && byte === 0x80) throw new RangeError('it is no object identifier');
    arc = arc * 128n + BigInt(byte & 0x7f);
    if (byte < 0x80) {
      arcs.push(arc);
      arc = 0n;
    } else if (index === content.length - 1) throw new RangeError('it is no object identifier');
  }
  const [first = 0n, ...others] = arcs;
  const root = first < 80n ? first / 40n : 2n;
  return [root, first - root * 40n, ...others].join('.');
}

/** Longer than any that is in use; the work grows with the square of it. */
const MOST_BYTES = 64;
