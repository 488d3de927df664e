import { addPackages } from './add-packages.js';
import { importModule } from './import-module.js';
import { mendScaffoldTest, settleJest } from './mend-tests.js';
import { type Project, projectOf } from './project.js';
import { serveMutualTls } from './serve-mutual-tls.js';
import { type Acceptance, firstTest, settingsFile } from './templates.js';
import { byHand, createOnce, type Outcome, type SchematicContext, type Tree } from './tree.js';

/** What `nest add` was asked for. */
export interface NestAddOptions extends Acceptance {
  readonly sourceRoot: string;
  readonly skipInstall: boolean;
}

/**
 * `nest add nestjs-cert-bound-auth`: what can be done safely is done, the rest is said. To run it again changes nothing.
 */
export function nestAdd(options: NestAddOptions): (tree: Tree, context: SchematicContext) => Tree {
  return (tree, context) => {
    const project = projectOf(tree, options.sourceRoot.replace(/\/+$/, ''));
    const packages = addPackages(tree, project);
    const outcomes: readonly Outcome[] = [
      packages,
      createOnce(tree, `${project.sourceRoot}/cert-bound-auth.ts`, settingsFile(options)),
      importModule(tree, project),
      serveMutualTls(tree, project),
      mendScaffoldTest(tree, project),
      settleJest(tree, project),
      addFirstTest(tree, project),
    ];
    for (const outcome of outcomes) if (outcome.kind === 'by-hand') context.logger.warn(outcome.words);
    const isDone = outcomes.some(({ kind }) => kind === 'done');
    const lacksPackages = packages.kind === 'done';
    if (lacksPackages && !options.skipInstall) context.addTask({ toConfiguration: () => INSTALL });
    if (lacksPackages && options.skipInstall) context.logger.info('First: npm install');
    if (isDone) context.logger.info(nextSteps(options.audience));
    return tree;
  };
}

function nextSteps(audience: string): string {
  const forAudience =
    audience === DEV_AUDIENCE ? '' : ` --audience '${audience.replaceAll("'", String.raw`'\''`)}'`;
  return `Every route needs a token now, bound to the certificate of its caller.
Next: npx nestjs-cert-bound-auth dev${forAudience}
Then npm start in another terminal, and paste the commands that dev has printed into a third.`;
}

/** What tokens of `dev` are for unless it is told otherwise. */
const DEV_AUDIENCE = 'https://api.example.com';

/** The devkit's own task, as its NodePackageInstallTask describes it. */
const INSTALL = {
  name: 'node-package',
  options: { command: 'install', quiet: true, hideOutput: true },
} as const;

function addFirstTest(tree: Tree, project: Project): Outcome {
  const { sourceRoot, testRoot } = project;
  const path = `${testRoot}/cert-bound-auth.e2e-spec.ts`;
  const isScaffold = ['app.controller.ts', 'app.service.ts'].every((name) =>
    tree.exists(`${sourceRoot}/${name}`),
  );
  if (isScaffold && project.testRunner !== undefined) return createOnce(tree, path, firstTest(project));
  return tree.exists(path) ? { kind: 'there' } : byHand('For a first test of your own, see docs/testing.md');
}
