import { join } from 'node:path';
import type { ServerSettings } from '../servers/server-settings.js';
import { Child } from './child.js';
import type { Cores } from './cores.js';
import type { LoadProtocol } from './load.js';
import type { ServerProtocol } from './server.js';
import type { VerificationProtocol, VerificationSettings } from './verification.js';

/** A server that runs. */
export interface RunningServer {
  readonly process: Child<ServerProtocol>;
  readonly port: number;
}

/** The processes of a run: the load, and the servers, each started when it is first asked for. */
export class Processes {
  readonly load: Child<LoadProtocol>;
  private readonly servers = new Map<string, Promise<RunningServer>>();
  private readonly children: Child<never>[] = [];

  /** @param serverOptions options of Node for the servers */
  constructor(
    private readonly cores: Cores,
    private readonly serverOptions: readonly string[],
  ) {
    this.load = this.start<LoadProtocol>('processes/load.js', {}, cores.load);
  }

  /** The server with these settings, of this start. */
  async server(settings: ServerSettings, start: number): Promise<RunningServer> {
    const key = JSON.stringify([settings, start]);
    const server = this.servers.get(key) ?? this.startServer(settings);
    this.servers.set(key, server);
    return server;
  }

  /** A process that verifies signatures, on the core of the servers. */
  verification(settings: VerificationSettings): Child<VerificationProtocol> {
    return this.start('processes/verification.js', settings, this.cores.server);
  }

  async stop(): Promise<void> {
    await Promise.all(this.children.map(async (child) => child.stop()));
  }

  private async startServer(settings: ServerSettings): Promise<RunningServer> {
    const program = 'processes/server.js';
    const { checkout } = settings;
    const process = this.start<ServerProtocol>(
      checkout === undefined ? program : join(checkout, 'dist/performance', program),
      settings,
      this.cores.server,
      this.serverOptions,
    );
    return { process, port: await process.ask('port') };
  }

  private start<P extends LoadProtocol | ServerProtocol | VerificationProtocol>(
    program: string,
    settings: object,
    core: number | undefined,
    nodeOptions: readonly string[] = [],
  ): Child<P> {
    const child = Child.start<P>({ program, settings, core, nodeOptions });
    this.children.push(child);
    return child;
  }
}
