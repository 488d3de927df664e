/** A value is not what its format asks for. */
export class MalformedValue extends Error {
  override readonly name = 'MalformedValue';

  /** @param detail what is wrong with it, and nothing of the value itself: it may be of a client's making */
  constructor(readonly detail: string) {
    super(detail);
  }
}
