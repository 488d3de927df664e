import { Inject, Injectable } from '@nestjs/common';
import { AuthorizationServers } from './authorization-servers.js';
import type { AuthorizationServerHealth } from '../events/authorization-server-health.js';

/** The result of a health indicator as `@nestjs/terminus` has it, under the key that was asked for. */
export type AuthorizationServersHealth<Key extends string = string> = Record<Key, AuthorizationServersStatus>;

/** How the authorization servers are doing, all together and one by one. */
export interface AuthorizationServersStatus {
  /** `down`: requests are answered with 503, for there are no keys, or introspection is not asked at present. */
  readonly status: 'up' | 'down';
  /** What is wrong, though requests are still answered; present where something is. */
  readonly warning?: string;
  /** Each server by its issuer, with the policy in brackets that trusts it: `https://as.example.com (partners)`. */
  readonly servers: Readonly<Record<string, Omit<AuthorizationServerHealth, 'issuer'>>>;
}

/**
 * Says for `@nestjs/terminus` whether tokens can be verified. It asks no server anything: it says how the last requests
 * fared, so it may be called as often as one likes.
 *
 * `HealthCheckService.check([() => indicator.isHealthy()])`
 */
@Injectable()
export class CertBoundAuthHealthIndicator {
  constructor(@Inject(AuthorizationServers) private readonly servers: AuthorizationServers) {}

  /** @param key under which the result stands; `authorization-servers` unless given */
  isHealthy<const Key extends string = 'authorization-servers'>(
    key: Key = 'authorization-servers' as Key,
  ): AuthorizationServersHealth<Key> {
    return { [key]: statusOf(this.servers.health()) } as AuthorizationServersHealth<Key>;
  }
}

function statusOf(servers: readonly AuthorizationServerHealth[]): AuthorizationServersStatus {
  const warnings = servers.flatMap((server) => warningsOf(server));
  return {
    status: servers.some((server) => isDown(server)) ? 'down' : 'up',
    ...(warnings.length === 0 ? {} : { warning: warnings.join('; ') }),
    servers: Object.fromEntries(
      servers.map(({ issuer, ...health }) => [nameOf(issuer, health.policy), health]),
    ),
  };
}

function nameOf(issuer: string, policy: string | undefined): string {
  return policy === undefined ? issuer : `${issuer} (${policy})`;
}

/** One that nobody has needed yet is not down: its keys are fetched with the first request. */
function isDown({ keys, introspection }: AuthorizationServerHealth): boolean {
  return keys.state === 'unavailable' || introspection === 'open';
}

function warningsOf({
  issuer,
  policy,
  keys,
  introspection,
  statusLists,
}: AuthorizationServerHealth): readonly string[] {
  const name = nameOf(issuer, policy);
  return [
    ...(keys.state === 'stale' ? [`the keys of ${name} are old, and cannot be fetched`] : []),
    ...(introspection === 'half-open' ? [`introspection by ${name} has failed, and is tried again`] : []),
    ...(statusLists === 'stale' || statusLists === 'unavailable'
      ? [`a status list of ${name} cannot be fetched`]
      : []),
  ];
}
