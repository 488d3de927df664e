import { type TestCertificate, TestCertificateAuthority } from 'nestjs-cert-bound-auth/testing';
import type { Random } from '../random.js';

/** A client, and the certificates that it proves itself with. */
export interface Client {
  readonly name: string;
  current: TestCertificate;
  /** What it had before it renewed. */
  previous: TestCertificate | undefined;
}

const CLIENTS = 8;

/** The clients of the APIs: those of their CA, and a stranger of another one. */
export class Clients {
  /** How often a client got a new certificate. */
  renewals = 0;

  private constructor(
    private readonly ca: TestCertificateAuthority,
    readonly all: readonly Client[],
    /** Whose certificate no API trusts. */
    readonly stranger: TestCertificate,
  ) {}

  static async create(ca: TestCertificateAuthority): Promise<Clients> {
    const other = await TestCertificateAuthority.create('CA of strangers');
    const names = Array.from({ length: CLIENTS }, (_, index) => `client-${index}`);
    const all = names.map(async (name) => ({
      name,
      current: await ca.issueClientCertificate(name),
      previous: undefined,
    }));
    return new Clients(ca, await Promise.all(all), await other.issueClientCertificate('stranger'));
  }

  any(random: Random): Client {
    const client = random.pick(this.all);
    if (client === undefined) throw new RangeError('there are no clients');
    return client;
  }

  /** Gives a client a new certificate. @returns the one that it has no more use for, the last but one */
  async renew(client: Client): Promise<TestCertificate | undefined> {
    const forgotten = client.previous;
    const renewed = await this.ca.issueClientCertificate(client.name);
    client.previous = client.current;
    client.current = renewed;
    this.renewals += 1;
    return forgotten;
  }
}
