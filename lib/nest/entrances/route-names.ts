import { RequestMethod, type Type, VERSION_NEUTRAL, VersioningType } from '@nestjs/common';
import type { ApplicationConfig, ModulesContainer } from '@nestjs/core';
import type { Handler } from '../demands/methods.js';

/** How an app makes paths of what stands on controllers and methods. */
export interface RouteNames {
  readonly config: ApplicationConfig;
  readonly modules: ModulesContainer;
}

/** A handler of HTTP where it stands. */
export interface RouteParts {
  readonly module: Type;
  readonly controller: Type;
  readonly handler: Handler;
  readonly method: RequestMethod;
}

/** `GET /payments`: the names of a route, with the prefixes of the app, of its module and of its version in the URI. */
export function routeNames(
  { module, controller, handler, method }: RouteParts,
  names: RouteNames,
): readonly string[] {
  const below: unknown = Reflect.getMetadata(`__module_path__${names.modules.applicationId}`, module);
  const paths = joined(
    joined([typeof below === 'string' ? below : ''], listed(Reflect.getMetadata('path', controller))),
    listed(Reflect.getMetadata('path', handler)),
  );
  const versions = versionsOf(controller, handler, names.config);
  return versions.flatMap((version) =>
    paths.map((path) => {
      const prefix = isExcluded(normal(path), method, names.config) ? '' : names.config.getGlobalPrefix();
      return `${RequestMethod[method]} ${normal([prefix, version, path].join('/'))}`;
    }),
  );
}

function listed(value: unknown): readonly string[] {
  if (Array.isArray(value)) return value.map((each) => String(each));
  return [typeof value === 'string' ? value : ''];
}

function joined(starts: readonly string[], ends: readonly string[]): readonly string[] {
  return starts.flatMap((start) => ends.map((end) => normal(`${start}/${end}`)));
}

function versionsOf(controller: Type, handler: Handler, config: ApplicationConfig): readonly string[] {
  const versioning = config.getVersioning();
  const version = (Reflect.getMetadata('__version__', handler) ??
    Reflect.getMetadata('__version__', controller) ??
    versioning?.defaultVersion) as string | symbol | readonly (string | symbol)[] | undefined;
  if (versioning?.type !== VersioningType.URI || version === undefined) return [''];
  const before = versioning.prefix === false ? '' : (versioning.prefix ?? 'v');
  return [version].flat().map((each) => (each === VERSION_NEUTRAL ? '' : `${before}${String(each)}`));
}

/** One slash in front, none at the end, and never two. */
function normal(path: string): string {
  return `/${path}`.replaceAll(/\/+/g, '/').replace(/(?<=.)\/$/, '');
}

/** What is excluded from the prefix is named without a version. */
function isExcluded(path: string, method: RequestMethod, config: ApplicationConfig): boolean {
  return (config.getGlobalPrefixOptions().exclude ?? []).some(
    ({ pathRegex, requestMethod }) =>
      (requestMethod === RequestMethod.ALL || requestMethod === method) && pathRegex.test(path),
  );
}
