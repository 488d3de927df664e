import type { Random } from '../random.js';

/**
 * One way in which an authority fails. `cut off`: ends in the midst of the body. `html`: 200 with a page that is no
 * answer. `hang`: says nothing for a while, and then goes.
 */
export type Fault = 'status 500' | 'reset' | 'hang' | 'cut off' | 'html';

const FAULTS: readonly Fault[] = ['status 500', 'reset', 'hang', 'cut off', 'html'];
const DECK = 6;
const FAULTS_IN_DECK = 2;

/** Deals faults to a third of the calls, never more than four in a row. */
export class FaultDeck {
  private cards: (Fault | 'well')[] = [];

  constructor(private readonly random: Random) {}

  /** How the next call goes. */
  deal(): Fault | 'well' {
    if (this.cards.length === 0) this.cards = this.shuffled();
    return this.cards.pop() ?? 'well';
  }

  private shuffled(): (Fault | 'well')[] {
    const faults = this.random.shuffle(FAULTS).slice(0, FAULTS_IN_DECK);
    const well = Array.from({ length: DECK - FAULTS_IN_DECK }, () => 'well' as const);
    return this.random.shuffle([...faults, ...well]);
  }
}
