import { Injectable } from '@nestjs/common';
import type { AuthorizationServer } from '../access-token/authorization-server.js';
import type { ResolvedServers } from '../access-token/resolved-servers.js';
import type { AuthorizationServerHealth } from '../events/authorization-server-health.js';
import { messageOf } from '../common/message-of.js';
import { log } from '../common/log.js';

/**
 * The configured authorization servers, for operations: injectable wherever the module is imported.
 * @example
 * ```ts
 * import { Injectable } from '@nestjs/common';
 * import { AuthorizationServers } from 'nestjs-cert-bound-auth';
 *
 * @Injectable()
 * export class KeyWithdrawal {
 *   constructor(private readonly servers: AuthorizationServers) {}
 *
 *   async withdraw(issuer: string): Promise<void> {
 *     await this.servers.refreshKeys(issuer); // no JWT of a withdrawn key is accepted after this
 *   }
 * }
 * ```
 */
@Injectable()
export class AuthorizationServers {
  /** @param resolved those that `resolveAuthorizationServer` has named, for each policy that has it */
  constructor(
    private readonly servers: readonly TrustedServer[],
    private readonly resolved: readonly ResolvedServers[] = [],
  ) {}

  /**
   * Fetches keys and metadata anew, at once: after a key was withdrawn, no JWT that it verified is accepted any more. (A
   * signed introspection answer that is kept lives until its `ttl`.) Where it fails, what is known stays as it is.
   * With `resolveAuthorizationServer`, it is done for the servers that have been named too; of one that has not, no key is known.
   * @param issuer of one server, for whichever policies it is trusted; without it, of all
   * @throws Error for an issuer that is not configured, or when a server cannot be asked
   */
  async refreshKeys(issuer?: string): Promise<void> {
    const servers = issuer === undefined ? this.known() : this.serversOf(issuer);
    await Promise.all(servers.map(async (server) => server.refreshKeys()));
  }

  /**
   * How the servers are doing, as far as requests have found out: nothing is asked for this. Those that
   * `resolveAuthorizationServer` names are not among them: what one tenant's server does says nothing of the API.
   */
  health(): readonly AuthorizationServerHealth[] {
    return this.servers.map(({ policy, server }) =>
      policy === undefined ? server.health() : { ...server.health(), policy },
    );
  }

  /** Fetches keys and metadata before the first request. One that is down stops nothing. */
  async prepare(): Promise<void> {
    await Promise.all(this.servers.map(async ({ server }) => this.prepareOne(server)));
  }

  private async prepareOne(server: AuthorizationServer): Promise<void> {
    try {
      await server.prepare();
    } catch (error) {
      const { issuer } = server.settings;
      log.error(`${issuer} could not be asked at the start; requests try again: ${messageOf(error)}`);
    }
  }

  private known(): readonly AuthorizationServer[] {
    return [...this.servers.map(({ server }) => server), ...this.resolved.flatMap(({ held }) => held)];
  }

  private serversOf(issuer: string): readonly AuthorizationServer[] {
    const servers = this.known().filter(({ settings }) => settings.issuer === issuer);
    if (servers.length === 0 && this.resolved.length === 0)
      throw new Error(`no authorization server with the issuer ${issuer} is configured`);
    return servers;
  }
}

/** A server, as one policy trusts it. */
export interface TrustedServer {
  /** `undefined`: the module itself. */
  readonly policy: string | undefined;
  readonly server: AuthorizationServer;
}
