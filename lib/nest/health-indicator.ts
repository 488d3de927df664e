import { Inject, Injectable } from '@nestjs/common';
import { AuthorizationServers } from './authorization-servers.js';
import type { RevocationsHealth } from '../revocation/revocation-list.js';
import { APP_REVOCATIONS, type AppRevocations } from './token-revocations.js';
import type { AuthorizationServerHealth } from '../events/authorization-server-health.js';

/** The result of a health indicator as `@nestjs/terminus` has it, under the key that was asked for. */
export type AuthorizationServersHealth<Key extends string = string> = Record<Key, AuthorizationServersStatus>;

/** How the authorization servers are doing, all together and one by one. */
export interface AuthorizationServersStatus {
  /** `down`: requests are answered with 503, for there are no keys, introspection is not asked at present, or revocations are not known. */
  readonly status: 'up' | 'down';
  /** What is wrong, though requests are still answered; present where something is. */
  readonly warning?: string;
  /** Each server by its issuer, with the policy in brackets that trusts it: `https://as.example.com (partners)`. */
  readonly servers: Readonly<Record<string, Omit<AuthorizationServerHealth, 'issuer'>>>;
  /** How the store of revocations is doing; present where there is one. */
  readonly revocations?: RevocationsHealth;
}

/**
 * Says for `@nestjs/terminus` whether tokens can be verified. It asks no server anything: it says how the last requests
 * fared, so it may be called as often as one likes.
 *
 * `HealthCheckService.check([() => indicator.isHealthy()])`
 */
@Injectable()
export class CertBoundAuthHealthIndicator {
  constructor(
    @Inject(AuthorizationServers) private readonly servers: AuthorizationServers,
    @Inject(APP_REVOCATIONS) private readonly revocations: AppRevocations,
  ) {}

  /** @param key under which the result stands; `authorization-servers` unless given */
  isHealthy<const Key extends string = 'authorization-servers'>(
    key: Key = 'authorization-servers' as Key,
  ): AuthorizationServersHealth<Key> {
    const status = statusOf(this.servers.health(), this.revocations.list?.health());
    return { [key]: status } as AuthorizationServersHealth<Key>;
  }
}

function statusOf(
  servers: readonly AuthorizationServerHealth[],
  revocations: RevocationsHealth | undefined,
): AuthorizationServersStatus {
  const isStale = revocations?.state === 'stale';
  const warnings = [
    ...servers.flatMap((server) => warningsOf(server)),
    ...(isStale ? ['what has been revoked lately may not be known, for the store does not answer'] : []),
  ];
  const isUp = revocations?.state !== 'unavailable' && !servers.some((server) => isDown(server));
  return {
    status: isUp ? 'up' : 'down',
    ...(warnings.length === 0 ? {} : { warning: warnings.join('; ') }),
    servers: Object.fromEntries(
      servers.map(({ issuer, ...health }) => [nameOf(issuer, health.policy), health]),
    ),
    ...(revocations === undefined ? {} : { revocations }),
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
