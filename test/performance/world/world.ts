import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  type TestCertificate,
  TestCertificateAuthority,
  TestDpopClient,
} from 'nestjs-cert-bound-auth/testing';
import type { ClientIdentity } from '../load/certificate.js';
import { type Credentials, writeCredentials } from '../load/credentials-file.js';
import type { ServerSettings } from '../servers/server-settings.js';
import { AuthorizationServer } from './authorization-server.js';
import { type Algorithm, createIssuerKey, type IssuerKey } from './issuer-key.js';
import { mintToken, mintTokens, signProofs, type TokenContents } from './mint.js';

export const AUDIENCE = 'https://api.example.com';
export const ISSUER = 'https://as.example.com';

/** Names in the larger of the two client certificates. */
const MANY_NAMES = 200;

/** A file of credentials, and how many there are. */
export interface CredentialsFile {
  readonly file: string;
  readonly count: number;
}

/** Everything that is made before anything is measured: certificates, keys, tokens, proofs. */
export class World {
  private files = 0;
  private readonly made = new Map<string, Promise<CredentialsFile>>();

  private constructor(
    private readonly folder: string,
    private readonly ca: TestCertificateAuthority,
    private readonly server: TestCertificate,
    /** The client's certificates: an ordinary one, and one with many names in it. */
    readonly clients: { readonly ordinary: TestCertificate; readonly large: TestCertificate },
    private readonly dpopClient: TestDpopClient,
    private readonly as: AuthorizationServer,
    readonly keys: Readonly<Record<Algorithm, IssuerKey>>,
  ) {}

  static async create(): Promise<World> {
    const ca = await TestCertificateAuthority.create();
    const hosts = Array.from({ length: MANY_NAMES }, (_, index) => `host-${index}.clients.example.com`);
    return new World(
      await mkdtemp(join(tmpdir(), 'cert-bound-bench-')),
      ca,
      await ca.issueServerCertificate(),
      {
        ordinary: await ca.issueClientCertificate('client'),
        large: await ca.issueClientCertificate('client', { hosts }),
      },
      await TestDpopClient.create('ES256'),
      await AuthorizationServer.start(),
      {
        RS256: await createIssuerKey('RS256', 'rs'),
        PS256: await createIssuerKey('PS256', 'ps'),
        ES256: await createIssuerKey('ES256', 'es'),
      },
    );
  }

  async remove(): Promise<void> {
    this.as.stop();
    await rm(this.folder, { recursive: true });
  }

  /** What a client proves itself with. */
  identityOf({ key, cert }: TestCertificate): ClientIdentity {
    return { key, cert, ca: this.ca.cert };
  }

  /** What every server is started with. */
  get settings(): Omit<ServerSettings, 'variant' | 'platform'> {
    const keys = Object.values(this.keys).map(({ jwk }) => jwk);
    return {
      tls: { key: this.server.key, cert: this.server.cert, ca: this.ca.cert },
      audience: AUDIENCE,
      issuers: [{ issuer: ISSUER, jwksUri: this.as.publish('all', keys) }],
      keys,
    };
  }

  get introspectionEndpoint(): string {
    return this.as.introspectionEndpoint;
  }

  /** Publishes a JWK Set of so many keys, the last of which is the one that tokens are signed with. @returns its URL */
  async publishKeys(count: number): Promise<string> {
    const others = await Promise.all(
      Array.from({ length: count - 1 }, async (_, index) => createIssuerKey('ES256', `other-${index}`)),
    );
    return this.as.publish(`${count}`, [...others.map(({ jwk }) => jwk), this.keys.ES256.jwk]);
  }

  /** JWTs, each a different one, bound to the ordinary certificate unless told otherwise. */
  async tokens(
    algorithm: Algorithm,
    count: number,
    contents: Partial<TokenContents> = {},
  ): Promise<CredentialsFile> {
    return this.once(JSON.stringify([algorithm, count, contents]), async () =>
      mintTokens(this.keys[algorithm], this.contents(contents), count),
    );
  }

  /** Proofs by one key, each a different one, with one token that is bound to it. */
  async proofs(count: number): Promise<CredentialsFile> {
    const confirmation = { jkt: this.dpopClient.thumbprint };
    const token = await mintToken(this.keys.RS256, this.contents({ confirmation }));
    return this.once(`proofs ${count}`, async () => signProofs(this.dpopClient, token, count));
  }

  /** The key that the proofs are signed with. */
  get proofKey(): IssuerKey['jwk'] {
    return { ...this.dpopClient.jwk, alg: 'ES256' };
  }

  /** An opaque token, bound to the ordinary certificate. */
  async opaqueToken(): Promise<CredentialsFile> {
    const token = `opaque-${randomUUID()}`;
    const { issuer: iss, audience: aud, confirmation: cnf } = this.contents({});
    const exp = Math.floor(Date.now() / 1000) + 7200;
    this.as.issue(token, { active: true, iss, aud, cnf, exp, sub: 'user-1', client_id: 'client-1' });
    return this.once(token, async () => [{ token }]);
  }

  /** The `cnf` of tokens that are bound to a certificate. */
  boundTo({ thumbprint }: TestCertificate): object {
    return { 'x5t#S256': thumbprint };
  }

  private contents(contents: Partial<TokenContents>): TokenContents {
    return {
      issuer: ISSUER,
      audience: AUDIENCE,
      confirmation: this.boundTo(this.clients.ordinary),
      ...contents,
    };
  }

  /** Makes and writes credentials, which the next who asks for the same gets as well. */
  private async once(name: string, make: () => Promise<readonly Credentials[]>): Promise<CredentialsFile> {
    const made = this.made.get(name) ?? this.write(make);
    this.made.set(name, made);
    return made;
  }

  private async write(make: () => Promise<readonly Credentials[]>): Promise<CredentialsFile> {
    const credentials = await make();
    const file = join(this.folder, `credentials-${++this.files}`);
    await writeCredentials(file, credentials);
    return { file, count: credentials.length };
  }
}
