import { createRequire } from 'node:module';
import { join } from 'node:path';
import type ts from 'typescript';
import { textOf, type Tree } from './tree.js';

/** What the steps need to know of the project. */
export interface Project {
  /** `src`, or that of an app of a monorepo. */
  readonly sourceRoot: string;
  /** Where its end-to-end tests are. */
  readonly testRoot: string;
  /** What relative imports end with. */
  readonly extension: '.js' | '';
  readonly testRunner: 'jest' | 'vitest' | undefined;
  /** 11 or 12; nothing where it is not said. */
  readonly nest: number | undefined;
  readonly manifest: Manifest;
  /** The project's own compiler; nothing where there is none. @internal */
  readonly compiler: typeof ts | undefined;
}

/** What of package.json matters. */
export interface Manifest {
  readonly type?: string;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly devDependencies?: Readonly<Record<string, string>>;
}

/** @throws Error where there is no package.json that can be read */
export function projectOf(tree: Tree, sourceRoot: string): Project {
  const manifest = JSON.parse(textOf(tree, 'package.json') ?? '') as Manifest;
  const packages = { ...manifest.devDependencies, ...manifest.dependencies };
  return {
    sourceRoot,
    testRoot: sourceRoot.replace(/(?:^|\/)[^/]+$/, (last) => (last.startsWith('/') ? '/test' : 'test')),
    extension: manifest.type === 'module' ? '.js' : '',
    testRunner: 'vitest' in packages ? 'vitest' : 'jest' in packages ? 'jest' : undefined,
    nest: majorOf(packages['@nestjs/core']),
    manifest,
    compiler: compilerOf(process.cwd()),
  };
}

function majorOf(range: string | undefined): number | undefined {
  const major = /\d+/.exec(range ?? '')?.[0];
  return major === undefined ? undefined : Number(major);
}

function compilerOf(folder: string): typeof ts | undefined {
  try {
    const compiler = createRequire(join(folder, 'package.json'))('typescript') as Partial<typeof ts>;
    return typeof compiler.createSourceFile === 'function' ? compiler : undefined;
  } catch {
    return undefined;
  }
}
