import type { Contestant, ServerContestant, VerificationContestant } from './comparison.js';
import type { Child } from './processes/child.js';
import type { LoadProtocol, RunEnd } from './processes/load.js';
import type { Processes, RunningServer } from './processes/processes.js';
import type { VerificationProtocol } from './processes/verification.js';
import type { Round } from './results.js';

/** A contestant with its processes, ready to be measured. */
export interface Entrant {
  warmUp(): Promise<void>;
  /** Bytes that its server uses; `undefined` where there is none. */
  usedMemory(): Promise<number | undefined>;
  round(): Promise<Round>;
  leave(): Promise<void>;
}

/**
 * Starts what a contestant needs.
 * @param start the how-manieth time: servers of different ones are different processes
 */
export async function enter(contestant: Contestant, processes: Processes, start: number): Promise<Entrant> {
  if (contestant.kind === 'verification') {
    return new VerificationEntrant(contestant, processes.verification(contestant.settings));
  }
  const server = await processes.server(contestant.settings, start);
  const { credentials, path, identity, connections, connection } = contestant.load;
  await processes.load.ask('open', {
    name: contestant.id,
    port: server.port,
    identity,
    connections,
    connection,
    credentials: credentials.file,
    count: credentials.count,
    path,
  });
  return new ServerEntrant(contestant, server, processes.load);
}

class ServerEntrant implements Entrant {
  private sent = 0;

  constructor(
    private readonly contestant: ServerContestant,
    private readonly server: RunningServer,
    private readonly load: Child<LoadProtocol>,
  ) {}

  async warmUp(): Promise<void> {
    for (const until of this.contestant.load.warmUp) await this.run(until);
  }

  async usedMemory(): Promise<number> {
    return this.server.process.ask('usedMemory');
  }

  async round(): Promise<Round> {
    const before = await this.server.process.ask('cpuMicros');
    const { requests, seconds, cpuMicros: loadCpu } = await this.run(this.contestant.load.round);
    const cpu = (await this.server.process.ask('cpuMicros')) - before;
    return {
      requests,
      seconds,
      cpuMicros: cpu / requests,
      throughput: requests / seconds,
      loadCpuMicros: loadCpu / requests,
      busy: cpu / 1e6 / seconds,
    };
  }

  async leave(): Promise<void> {
    await this.load.ask('close', { name: this.contestant.id });
  }

  private async run(until: RunEnd): ReturnType<LoadProtocol['run']> {
    const { id, load } = this.contestant;
    const run = await this.load.ask('run', { name: id, from: this.sent, until });
    this.sent += run.requests;
    if (load.once && this.sent > load.credentials.count) {
      throw new RangeError(`${id}: there were fewer tokens or proofs than requests`);
    }
    return run;
  }
}

class VerificationEntrant implements Entrant {
  private done = 0;

  constructor(
    private readonly contestant: VerificationContestant,
    private readonly process: Child<VerificationProtocol>,
  ) {}

  async warmUp(): Promise<void> {
    await this.verify(this.contestant.warmUp);
  }

  async usedMemory(): Promise<undefined> {
    return undefined;
  }

  async round(): Promise<Round> {
    const { count } = this.contestant;
    const start = performance.now();
    const cpu = await this.verify(count);
    const seconds = (performance.now() - start) / 1000;
    return {
      requests: count,
      seconds,
      cpuMicros: cpu / count,
      throughput: count / seconds,
      busy: cpu / 1e6 / seconds,
    };
  }

  async leave(): Promise<void> {
    await this.process.stop();
  }

  private async verify(count: number): Promise<number> {
    const from = this.done;
    this.done += count;
    return this.process.ask('verify', { from, count });
  }
}
