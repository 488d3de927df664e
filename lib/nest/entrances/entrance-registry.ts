import type { ApplicationConfig, ModulesContainer } from '@nestjs/core';
import type { ResolvedOptions } from '../../options/resolve-options.js';
import type { ServedBehindDoor } from '../http/http-door.js';
import { openedBy } from '../http/public-paths.js';
import type { Entrance } from './entrance.js';
import { NO_DEMANDS } from '../../authorization/demands.js';
import { handlerEntrances } from './handler-entrances.js';

/** What an app is made of, as far as its entrances go. */
export interface EntranceParts {
  readonly config: ApplicationConfig;
  readonly modules: ModulesContainer;
  readonly protectsAll: boolean;
  readonly publicPaths: readonly string[];
  /** Paths and services of gRPC that are open without a handler of Nest. */
  readonly publicMethods: readonly string[];
  readonly served: ServedBehindDoor;
  /** What holds for all entrances of a policy; `undefined`: of the module itself. */
  readonly protectionOf: (policy: string | undefined) => Protection;
  /** The names of its policies. */
  readonly policies: readonly string[];
}

/** What an app lets callers in by, whatever they call. */
export interface Protection {
  readonly options: ResolvedOptions;
  /** Whether a client can prove a certificate at all. */
  readonly seesCertificates: boolean;
}

/** Knows the entrances of one app. */
export class EntranceRegistry {
  private parts: EntranceParts | undefined;
  private readonly opened: string[] = [];

  /** Says what the app is made of. */
  describe(parts: EntranceParts): void {
    this.parts = parts;
  }

  /** Says that another module answers at this path, before the app, whoever asks. */
  open(path: string): void {
    this.opened.push(path);
  }

  /**
   * What holds for all entrances of each policy, by its name; that of the module itself comes first, and has none. It is known
   * when the app has its server.
   * @throws Error before the module is made
   */
  protections(): ReadonlyMap<string | undefined, Protection> {
    if (this.parts === undefined) throw new Error('CertBoundAuthModule has not been made yet');
    const { policies, protectionOf } = this.parts;
    return new Map([undefined, ...policies].map((policy) => [policy, protectionOf(policy)]));
  }

  /** Every entrance that is known by now: handlers first, then what is no handler of Nest. */
  list(): readonly Entrance[] {
    if (this.parts === undefined) return [];
    const { config, modules, protectsAll, publicMethods } = this.parts;
    return [
      ...handlerEntrances(modules, { config, modules }, protectsAll),
      ...publicMethods.map((name) => withoutHandler('message', name, 'public')),
      ...this.opened.map((name) => withoutHandler('path', name, 'public')),
      ...pathEntrances(this.parts),
    ];
  }
}

function pathEntrances({ protectsAll, publicPaths, served }: EntranceParts): readonly Entrance[] {
  if (!protectsAll) return [withoutHandler('path', 'everything else', 'open')];
  const isOpen = openedBy(publicPaths);
  const others = new Map(
    served().map(({ method, path }): [string, Entrance['access']] => [
      method === undefined ? path : `${method} ${path}`,
      isOpen(path) ? 'public' : 'protected',
    ]),
  );
  return [
    ...[...others].map(([name, access]) => withoutHandler('path', name, access)),
    ...publicPaths.map((name) => withoutHandler('path', name, 'public')),
    withoutHandler('path', 'everything else', 'protected'),
  ];
}

function withoutHandler(kind: Entrance['kind'], name: string, access: Entrance['access']): Entrance {
  return { kind, name, handler: undefined, access, demands: NO_DEMANDS };
}
