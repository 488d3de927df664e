import { Inject, Injectable } from '@nestjs/common';
import { describeExpiry, type Expiring, expiringSoon } from '../common/expiry-watch.js';
import { AuthorizationServers } from './authorization-servers.js';
import type { RevocationsHealth } from '../revocation/revocation-list.js';
import { APP_REVOCATIONS, type AppRevocations } from './token-revocations.js';
import type { AuthorizationServerHealth } from '../events/authorization-server-health.js';
import type { RevocationSourceHealth } from '../events/revocation-source-health.js';
import { AppAuthenticator, type PolicyCertificateSources } from './exchange/app-authenticator.js';

/** The result of a health indicator as `@nestjs/terminus` has it, under the key that was asked for. */
export type AuthorizationServersHealth<Key extends string = string> = Record<Key, AuthorizationServersStatus>;

/** How the authorization servers are doing, all together and one by one. */
export interface AuthorizationServersStatus {
  /**
   * `down`: requests are answered with 503, for there are no keys, introspection is not asked at present, revocations are not
   * known, or none of the sources serves that say which certificates are revoked, and `revocation.mode` is `strict`.
   */
  readonly status: 'up' | 'down';
  /** What is wrong, though requests are still answered; present where something is. */
  readonly warning?: string;
  /** Each server by its issuer, with the policy in brackets that trusts it: `https://as.example.com (partners)`. */
  readonly servers: Readonly<Record<string, Omit<AuthorizationServerHealth, 'issuer'>>>;
  /** How the store of revocations is doing, and transmitters of security events; present where there is one of them. */
  readonly revocations?: RevocationsHealth;
  /** How each source is doing that says which certificates are revoked; present where `clientCertificate.revocation` is given. */
  readonly certificateRevocations?: readonly CertificateSourceHealth[];
}

/** A source of revoked certificates, and who asks it. */
export interface CertificateSourceHealth extends RevocationSourceHealth {
  /** The policy that asks it; absent for the options of the module itself. */
  readonly policy?: string;
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
    @Inject(AppAuthenticator)
    private readonly certificates: Pick<AppAuthenticator, 'certificateSources' | 'expiring'>,
  ) {}

  /** @param key under which the result stands; `authorization-servers` unless given */
  isHealthy<const Key extends string = 'authorization-servers'>(
    key: Key = 'authorization-servers' as Key,
  ): AuthorizationServersHealth<Key> {
    const now = Date.now();
    const status = statusOf(
      {
        servers: this.servers.health(),
        revocations: this.revocations.list?.health(),
        certificates: this.certificates.certificateSources(now),
        expiring: this.certificates.expiring(now),
      },
      now,
    );
    return { [key]: status } as AuthorizationServersHealth<Key>;
  }
}

/** What the status is made of. */
interface Seen {
  readonly servers: readonly AuthorizationServerHealth[];
  readonly revocations: RevocationsHealth | undefined;
  readonly certificates: readonly PolicyCertificateSources[];
  readonly expiring: readonly Expiring[];
}

function statusOf(
  { servers, revocations, certificates, expiring }: Seen,
  now: number,
): AuthorizationServersStatus {
  const isStale = revocations?.state === 'stale';
  const warnings = [
    ...servers.flatMap((server) => warningsOf(server)),
    ...(isStale ? ['what has been revoked lately may not be known, for the store does not answer'] : []),
    ...(revocations?.state === 'unheard' ? [String(revocations.problem)] : []),
    ...certificates.flatMap(({ sources }) => sources.flatMap((source) => sourceWarning(source))),
    ...expiringSoon(expiring, now).map((each) => describeExpiry(each, now)),
  ];
  const isDown =
    revocations?.state === 'unavailable' ||
    servers.some((server) => isServerDown(server)) ||
    certificates.some((sources) => areDown(sources));
  return {
    status: isDown ? 'down' : 'up',
    ...(warnings.length === 0 ? {} : { warning: [...new Set(warnings)].join('; ') }),
    servers: Object.fromEntries(
      servers.map(({ issuer, ...health }) => [nameOf(issuer, health.policy), health]),
    ),
    ...(revocations === undefined ? {} : { revocations }),
    ...(certificates.length === 0
      ? {}
      : { certificateRevocations: certificates.flatMap((each) => sourcesOf(each)) }),
  };
}

function sourcesOf({ policy, sources }: PolicyCertificateSources): readonly CertificateSourceHealth[] {
  return policy === undefined ? sources : sources.map((source) => ({ ...source, policy }));
}

/** Nobody has asked yet where no source is known: it is then fetched with the first request. */
function areDown({ mode, sources }: PolicyCertificateSources): boolean {
  return mode === 'strict' && sources.length > 0 && sources.every(({ state }) => state !== 'fresh');
}

function sourceWarning({ source, state, failures }: RevocationSourceHealth): readonly string[] {
  if (state === 'stale') return [`what ${source} says of revoked certificates is out of date`];
  if (state === 'unavailable') return [`${source} does not say which certificates are revoked`];
  return failures === 0 ? [] : [`${source} serves, but could not be read again`];
}

function nameOf(issuer: string, policy: string | undefined): string {
  return policy === undefined ? issuer : `${issuer} (${policy})`;
}

/** One that nobody has needed yet is not down: its keys are fetched with the first request. */
function isServerDown({ keys, introspection }: AuthorizationServerHealth): boolean {
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
