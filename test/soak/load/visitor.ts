import type { TestCertificate } from 'nestjs-cert-bound-auth/testing';
import type { Attempt, Caller } from '../kinds/kind.js';
import type { Tally } from '../record/tally.js';
import type { Client } from '../world/clients.js';
import type { Realm } from '../world/realm.js';
import type { TlsFiles } from '../world/tls-files.js';
import { type Connection, ConnectionLostError } from './connection.js';
import type { Doors } from './doors.js';
import type { Judge } from './judge.js';
import type { Draw, Mix } from './mix.js';

/** What visitors share. */
export interface Visited {
  readonly realms: readonly Realm[];
  readonly doors: ReadonlyMap<Realm, Doors>;
  readonly tls: TlsFiles;
  readonly tally: Tally;
  readonly judge: Judge;
}

const STRANGERS = 0.05;
const WITHOUT_CERTIFICATE = 0.05;
const ABRUPT = 0.1;
const SHORTEST_VISIT = 5;
const LONGEST_VISIT = 200;

/** Comes with one certificate or another, sends requests, leaves, and comes again. */
export class Visitor {
  private stopped = false;
  /** What its last connection was lost with. */
  private unanswered: Draw | undefined;

  constructor(
    private readonly visited: Visited,
    private readonly mix: Mix,
  ) {}

  /** Visits until it is told to stop. */
  async run(): Promise<void> {
    while (!this.stopped) {
      const caller = this.unanswered?.caller ?? this.appear();
      const connection = await this.connect(caller);
      if (connection !== undefined) await this.visit(caller, connection);
    }
  }

  stop(): void {
    this.stopped = true;
  }

  private appear(): Caller {
    const { realms } = this.visited;
    const { random } = this.mix;
    const realm = random.pick(realms);
    if (realm === undefined) throw new RangeError('there is nobody to visit');
    const lot = this.mix.strangers ? random.next() : 1;
    if (lot < STRANGERS) return { realm, client: undefined, certificate: realm.clients.stranger };
    if (lot < STRANGERS + WITHOUT_CERTIFICATE) return { realm, client: undefined, certificate: undefined };
    const client: Client = realm.clients.any(random);
    return { realm, client, certificate: client.current };
  }

  private async connect({ realm, certificate }: Caller): Promise<Connection | undefined> {
    const { doors, tally } = this.visited;
    const begunAt = Date.now();
    try {
      const connection = await doors.get(realm)?.open(certificate);
      if (connection === undefined) throw new RangeError('there is no way in');
      tally.connections += 1;
      if (connection.resumed) tally.resumed += 1;
      this.checkServer(connection.shownCertificate, begunAt);
      return connection;
    } catch (error) {
      this.lost(error, certificate);
      return undefined;
    }
  }

  private async visit(caller: Caller, connection: Connection): Promise<void> {
    const { random } = this.mix;
    const requests = random.between(SHORTEST_VISIT, LONGEST_VISIT);
    try {
      for (let sent = 0; sent < requests && !this.stopped && !connection.closed; sent += 1) {
        await this.exchange(connection, await this.next(caller));
      }
      if (!this.stopped && !connection.closed && random.chance(ABRUPT))
        await this.abandon(caller, connection);
    } catch (error) {
      this.lost(error, caller.certificate);
    }
    connection.leave();
  }

  /** What its last connection was lost with is sent again, made anew: a proof is used once. */
  private async next(caller: Caller): Promise<Draw & { readonly attempt: Attempt }> {
    const { unanswered } = this;
    this.unanswered = undefined;
    const again = await unanswered?.kind.attempt(caller);
    if (unanswered === undefined || again === undefined) return this.mix.draw(caller);
    this.visited.tally.sentAgain += 1;
    return { ...unanswered, attempt: again };
  }

  private async exchange(connection: Connection, draw: Draw & { readonly attempt: Attempt }): Promise<void> {
    const sentAt = Date.now();
    this.unanswered = draw;
    const response = await connection.send(draw.attempt.request);
    this.unanswered = undefined;
    await this.visited.judge.judge(draw.kind, draw.caller, draw.attempt, response, {
      sentAt,
      receivedAt: Date.now(),
    });
    if (response.last) connection.leave();
  }

  private async abandon(caller: Caller, connection: Connection): Promise<void> {
    const { attempt } = await this.mix.draw(caller);
    await connection.abandon(attempt.request);
    this.visited.tally.abandoned += 1;
  }

  /** @throws what is no loss of a connection */
  private lost(error: unknown, certificate: TestCertificate | undefined): void {
    if (!(error instanceof ConnectionLostError)) throw error;
    const { tls, tally } = this.visited;
    if (tls.mayHaveEnded(Date.now())) return;
    tally.strange.push(`${error.message} (${certificate === undefined ? 'no certificate' : 'certificate'})`);
  }

  private checkServer(thumbprint: string | undefined, begunAt: number): void {
    const { tls, tally } = this.visited;
    if (thumbprint === undefined || tls.mayServe(thumbprint, begunAt)) return;
    tally.strange.push('the server showed a certificate that had been replaced long before');
  }
}
