import type { Project } from './project.js';
import { byHand, DONE, type Outcome, textOf, THERE, type Tree } from './tree.js';

const COMPILED_APP = /(createTestingModule\(\{\s*imports: \[AppModule\],?\s*\}\))\s*(\.compile\(\))/;
const LAST_IMPORT = /^import [^;]*;\n(?!import )/m;

/** The end-to-end test that `nest new` has made sends no token: it stands in for somebody who has one. */
export function mendScaffoldTest(tree: Tree, { testRoot }: Project): Outcome {
  const path = `${testRoot}/app.e2e-spec.ts`;
  const source = textOf(tree, path);
  if (source === undefined || source.includes('CertBoundAuthTestingModule')) return THERE;
  if (!source.includes('AppModule')) return THERE;
  if (!COMPILED_APP.test(source) || !LAST_IMPORT.test(source)) {
    return byHand(`${path} sends no token, and now gets 401: see docs/testing.md, "Without TLS"`);
  }
  tree.overwrite(
    path,
    source
      .replace(
        COMPILED_APP,
        `$1
      .overrideProvider(CertBoundAuthTestingModule.provider)
      .useFactory(CertBoundAuthTestingModule.standIn({ subject: 'alice' }))
      $2`,
      )
      .replace(
        LAST_IMPORT,
        (last) => `${last}import { CertBoundAuthTestingModule } from 'nestjs-cert-bound-auth/testing';\n`,
      ),
  );
  return DONE;
}

/** Compiled by ts-jest, for Jest loads no ES modules by `require`. */
const TRANSFORM = {
  'node_modules/.+\\.js$': ['ts-jest', { tsconfig: { allowJs: true, isolatedModules: true } }],
} as const;
const NOT_IGNORED = ['node_modules/(?!(.pnpm/.+/node_modules/)?(nestjs-cert-bound-auth|jose)/)'] as const;

/** Has Jest load this package, which is of ES modules. */
export function settleJest(tree: Tree, { testRoot, testRunner }: Project): Outcome {
  if (testRunner !== 'jest') return THERE;
  const path = `${testRoot}/jest-e2e.json`;
  const words = byHand('Have Jest load this package: see docs/testing.md, "CommonJS and Jest"');
  const source = textOf(tree, path);
  if (source === undefined) return words;
  if (source.includes('nestjs-cert-bound-auth')) return THERE;
  const settings = jsonOf(source);
  if (settings === undefined || 'transformIgnorePatterns' in settings) return words;
  const transform = { ...TRANSFORM, ...(settings['transform'] as object | undefined) };
  const settled = { ...settings, transform, transformIgnorePatterns: NOT_IGNORED };
  tree.overwrite(path, `${JSON.stringify(settled, undefined, 2)}\n`);
  return DONE;
}

function jsonOf(text: string): Readonly<Record<string, unknown>> | undefined {
  try {
    return JSON.parse(text) as Readonly<Record<string, unknown>>;
  } catch {
    return undefined;
  }
}
