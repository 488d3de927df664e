/** Counts the changes of what is known, so that what was found out before may be told from what holds now. */
export class Generation {
  value = 0;

  next(): void {
    this.value += 1;
  }
}
