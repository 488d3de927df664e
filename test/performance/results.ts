import type { Machine } from './machine.js';
import { type Summary, summarise } from './statistics.js';

/** One round of one contestant. */
export interface Round {
  readonly requests: number;
  readonly seconds: number;
  /** CPU time of the server per request, user and system, all its threads. */
  readonly cpuMicros: number;
  /** Requests per second. */
  readonly throughput: number;
  /** CPU time of the load per request: near the server's, the load may have been the bottleneck. */
  readonly loadCpuMicros?: number;
  /** CPU time of the server for each second that went by. */
  readonly busy: number;
}

/** What a contestant took in a comparison. */
export interface Result {
  readonly scenario: string;
  readonly id: string;
  readonly label: string;
  /** Where on the axis of a growth. */
  readonly point?: number;
  readonly cpuMicros: Summary;
  readonly throughput: Summary;
  readonly busy: Summary;
  /** Beside the open route in the same round. */
  readonly beside?: Beside;
  /** Bytes in use after the warm-up, heap and outside. */
  readonly usedMemory?: number;
  readonly rounds: readonly Round[];
}

/** A protected route beside the open one, round by round. */
export interface Beside {
  /** The open one's `id`. */
  readonly id: string;
  /** CPU time as a multiple of the open route's. */
  readonly cpu: Summary;
  /** CPU time that protection adds per request. */
  readonly addedMicros: Summary;
  /** Throughput as a part of the open route's. */
  readonly throughput: Summary;
}

/** What came of a scenario of `serve`, beside bare Node that gives the same answer. */
export interface ServeResult {
  readonly name: string;
  readonly title: string;
  /** CPU time of a decision. */
  readonly cpuMicros: Summary;
  /** The same of bare Node. */
  readonly bareMicros: Summary;
  /** The one as a multiple of the other, round by round. */
  readonly ratio: Summary;
  /** What the ratio may be, at most; `undefined` where it has no goal of its own. */
  readonly goal: number | undefined;
  /** Milliseconds from the start of the process until it listens. */
  readonly listeningAfter: number;
  /** Bytes when it listens, and after the rounds. */
  readonly residentMemory: { readonly before: number; readonly after: number };
}

/** What is measured of a scenario. */
export interface ScenarioTitle {
  readonly name: string;
  readonly title: string;
  readonly axis?: string;
}

/** A run of the benchmark. */
export interface Results {
  readonly date: string;
  readonly machine: Machine;
  readonly versions: Readonly<Record<string, string>>;
  readonly options: object;
  readonly scenarios: readonly ScenarioTitle[];
  readonly results: readonly Result[];
  readonly serve: readonly ServeResult[];
}

/** Compares rounds with those of the open route. */
export function besideOf(id: string, rounds: readonly Round[], open: readonly Round[]): Beside {
  const pairs = rounds.flatMap((round, index) => {
    const other = open[index];
    return other === undefined ? [] : [{ round, other }];
  });
  return {
    id,
    cpu: summarise(pairs.map(({ round, other }) => round.cpuMicros / other.cpuMicros)),
    addedMicros: summarise(pairs.map(({ round, other }) => round.cpuMicros - other.cpuMicros)),
    throughput: summarise(pairs.map(({ round, other }) => round.throughput / other.throughput)),
  };
}
