import {
  type DynamicModule,
  Inject,
  Module,
  type OnApplicationBootstrap,
  type OnApplicationShutdown,
  type OnModuleInit,
} from '@nestjs/common';
import { HttpAdapterHost, ModuleRef } from '@nestjs/core';
import { problem } from '../../options/configuration-error.js';
import { ResourceServer } from '../../resource-server.js';
import type { RevocationList } from '../../revocation/revocation-list.js';
import {
  refusalOf,
  resolveSharedSignals,
  type ResolvedSharedSignals,
} from '../../shared-signals/resolve-shared-signals.js';
import type { SharedSignalsOptions } from '../../shared-signals/shared-signals.options.js';
import { SignalReceiver } from '../../shared-signals/signal-receiver.js';
import { EntranceRegistry } from '../entrances/entrance-registry.js';
import { beforeApp } from '../http/before-app.js';
import { logToNest } from '../log/log-to-nest.js';
import { revocationListOf, TokenRevocations } from '../token-revocations.js';
import { serveSignals } from './serve-signals.js';
import { listenTo, SharedSignals } from './shared-signals.js';
import {
  type ASYNC_OPTIONS_TYPE,
  ConfigurableModuleClass,
  type OPTIONS_TYPE,
  SHARED_SIGNALS_OPTIONS,
} from './shared-signals.module-definition.js';

logToNest();

const RESOLVED = Symbol('resolved options of shared signals');

/**
 * Lets transmitters of the Shared Signals Framework revoke tokens: what they say by CAEP and RISC becomes entries of the list that the option
 * `revocations` of `CertBoundAuthModule` makes.
 */
@Module({
  providers: [
    {
      provide: RESOLVED,
      useFactory: resolveGiven,
      inject: [{ token: SHARED_SIGNALS_OPTIONS, optional: true }],
    },
    SharedSignals,
  ],
  exports: [SharedSignals],
})
export class SharedSignalsModule
  extends ConfigurableModuleClass
  implements OnModuleInit, OnApplicationBootstrap, OnApplicationShutdown
{
  private receiver: SignalReceiver | undefined;

  constructor(
    @Inject(RESOLVED) private readonly settings: ResolvedSharedSignals,
    @Inject(SharedSignals) private readonly signals: SharedSignals,
    @Inject(ModuleRef) private readonly moduleRef: ModuleRef,
    @Inject(HttpAdapterHost) private readonly host: HttpAdapterHost,
  ) {
    super();
  }

  /**
   * Configures the receiver with values.
   * @throws CertBoundAuthConfigurationError at boot, naming every wrong field
   * @example
   * ```ts
   * import { SharedSignalsModule } from 'nestjs-cert-bound-auth/shared-signals';
   *
   * export const signals = SharedSignalsModule.forRoot({
   *   path: '/signals',
   *   transmitters: [
   *     {
   *       issuer: 'https://as.example.com',
   *       audience: 'https://api.example.com/signals',
   *       delivery: 'push',
   *       authorizationHeader: `Bearer ${process.env['SIGNALS_SECRET']}`,
   *     },
   *   ],
   * });
   * ```
   */
  static override forRoot(options: typeof OPTIONS_TYPE): DynamicModule {
    return super.forRoot(options ?? {});
  }

  /**
   * Configures the receiver with what a factory returns.
   * @throws CertBoundAuthConfigurationError at boot, naming every wrong field
   */
  static override forRootAsync(options: typeof ASYNC_OPTIONS_TYPE): DynamicModule {
    return super.forRootAsync(options);
  }

  /** @throws CertBoundAuthConfigurationError where a transmitter speaks for nobody whose tokens are accepted */
  onModuleInit(): void {
    // By now every module of the app has been made. A test without tokens needs nobody who revokes them.
    if (allOf(this.moduleRef, ResourceServer).some(({ isStandIn }) => isStandIn)) return;
    const list = listOf(this.moduleRef);
    checkIssuers(this.settings, list);
    this.receiver = new SignalReceiver(this.settings, list);
    listenTo(this.signals, this.receiver);
    const { endpoints } = this.receiver;
    beforeApp(
      this.host,
      endpoints.map((endpoint) => serveSignals(endpoint)),
    );
    for (const { path } of endpoints) registryOf(this.moduleRef)?.open(path);
  }

  /** By now the store of revocations has been read once. */
  onApplicationBootstrap(): void {
    this.receiver?.start();
  }

  async onApplicationShutdown(): Promise<void> {
    await this.receiver?.close();
  }
}

/** Without `forRoot` or `forRootAsync` there are no options: Nest would only say that it can't resolve a symbol. */
function resolveGiven(given: SharedSignalsOptions | undefined): ResolvedSharedSignals {
  if (given !== undefined) return resolveSharedSignals(given);
  const remedy =
    'import SharedSignalsModule.forRoot({ path, transmitters }), and the plain class nowhere; the factory of forRootAsync must return the options';
  throw refusalOf([problem('options', given, remedy)]);
}

/** The one list of the app, whichever module has made it. @throws CertBoundAuthConfigurationError where there is none, or several */
function listOf(moduleRef: ModuleRef): RevocationList {
  const lists = new Set(
    allOf(moduleRef, TokenRevocations).flatMap((revocations) => revocationListOf(revocations) ?? []),
  );
  const [list, ...others] = lists;
  if (list !== undefined && others.length === 0) return list;
  const remedy =
    list === undefined
      ? 'give CertBoundAuthModule, or ForwardAuthModule, the option revocations: {}'
      : 'several modules of this app have a list of their own: give the option revocations to CertBoundAuthModule alone';
  throw refusalOf([problem('revocations', list, remedy)]);
}

function registryOf(moduleRef: ModuleRef): EntranceRegistry | undefined {
  return allOf(moduleRef, EntranceRegistry)[0];
}

/** All instances in the app; none where no module has one. */
function allOf<Instance>(
  moduleRef: ModuleRef,
  type: abstract new (...args: never[]) => Instance,
): readonly Instance[] {
  try {
    return moduleRef.get<Instance, Instance>(type, { strict: false, each: true });
  } catch {
    return [];
  }
}

/** What such a transmitter said would change nothing, and nobody would know. */
function checkIssuers(
  { transmitters, logout }: ResolvedSharedSignals,
  { servedIssuers }: RevocationList,
): void {
  if (servedIssuers === undefined) return;
  const problems = [
    ...transmitters.flatMap(({ issuers }, index) =>
      nobodys([...issuers.values()], servedIssuers).map((issuer) =>
        problem(
          `transmitters[${index}].subjects.issuers`,
          issuer,
          `it would speak for tokens of ${JSON.stringify(issuer)}, which are accepted nowhere: map the iss of its subjects to the issuer of an authorization server, { [iss]: issuer }`,
        ),
      ),
    ),
    ...nobodys(
      (logout?.providers ?? []).map(({ issuer }) => issuer),
      servedIssuers,
    ).map((issuer) =>
      problem(
        'backChannelLogout.providers',
        issuer,
        `the tokens of ${JSON.stringify(issuer)} are accepted nowhere: give the issuer of an authorization server`,
      ),
    ),
  ];
  if (problems.length > 0) throw refusalOf(problems);
}

function nobodys(issuers: readonly string[], served: ReadonlySet<string>): readonly string[] {
  return issuers.filter((issuer) => !served.has(issuer));
}
