import type { ClientIdentity } from './certificate.js';
import { connectTo } from './connection.js';
import type { RequestList } from './request-list.js';
import { ResponseReader } from './response-reader.js';

/** A new TLS connection, with a full handshake, for each request; as many at once as asked for. */
export class NewConnections {
  constructor(
    private readonly port: number,
    private readonly atOnce: number,
    private readonly identity: ClientIdentity,
  ) {}

  /** Sends the requests of a list. @returns how many were answered */
  async run(requests: RequestList): Promise<number> {
    const counts = await Promise.all(
      Array.from({ length: this.atOnce }, async () => this.sendInTurn(requests)),
    );
    return counts.reduce((sum, count) => sum + count, 0);
  }

  close(): void {
    // Nothing stays open between rounds.
  }

  private async sendInTurn(requests: RequestList): Promise<number> {
    let count = 0;
    for (let request = requests.next(); request !== undefined; request = requests.next()) {
      await this.send(request);
      count += 1;
    }
    return count;
  }

  private async send(request: Buffer): Promise<void> {
    const responses = new ResponseReader();
    await new Promise<void>((resolve, reject) => {
      let complete = false;
      const socket = connectTo(this.port, this.identity, (length, chunk) => {
        try {
          complete ||= responses.read(chunk, length);
        } catch (error) {
          socket.destroy(error as Error);
        }
      });
      socket.once('error', reject);
      // The server closes: what it spends on that belongs to the round.
      socket.once('close', () => {
        if (complete) resolve();
        else reject(new Error('the server closed a connection before it had answered'));
      });
      socket.write(request);
    });
  }
}
