import type { Project } from './project.js';
import { DONE, type Outcome, textOf, THERE, type Tree } from './tree.js';

type Kind = 'dependencies' | 'devDependencies';

/** Adds what the module and the test kit need beside this package to package.json. */
export function addPackages(tree: Tree, { manifest, nest }: Project): Outcome {
  const present = { ...manifest.dependencies, ...manifest.devDependencies };
  const line = nest === undefined ? '^12.0.0' : `^${nest}.0.0`;
  const wanted: readonly (readonly [Kind, string, string])[] = [
    ['dependencies', '@nestjs/passport', line],
    ['dependencies', 'passport', '^0.7.0'],
    ['devDependencies', '@peculiar/x509', '^2.0.0'],
  ];
  const missing = wanted.filter(([, name]) => !(name in present));
  if (missing.length === 0) return THERE;
  const whole = JSON.parse(textOf(tree, 'package.json') ?? '{}') as Record<Kind, Record<string, string>>;
  for (const [kind, name, version] of missing) {
    whole[kind] = sorted({ ...whole[kind], [name]: version });
  }
  tree.overwrite('package.json', `${JSON.stringify(whole, undefined, 2)}\n`);
  return DONE;
}

function sorted(packages: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(packages).toSorted(([one], [other]) => (one < other ? -1 : 1)));
}
