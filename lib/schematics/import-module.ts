import type ts from 'typescript';
import type { Project } from './project.js';
import {
  firstIn,
  importInsertion,
  type Insertion,
  memberOf,
  nodesOf,
  parsed,
  withInsertions,
} from './source-edits.js';
import { byHand, DONE, type Outcome, textOf, THERE, type Tree } from './tree.js';

const MODULE = 'CertBoundAuthModule.forRoot(certBoundAuthOptions())';

/** Imports the module into `AppModule`. */
export function importModule(tree: Tree, { compiler, sourceRoot, extension }: Project): Outcome {
  const path = `${sourceRoot}/app.module.ts`;
  const source = textOf(tree, path);
  const words = byHand(
    `In your root module, add to imports: ${MODULE}, of nestjs-cert-bound-auth and ./cert-bound-auth${extension}`,
  );
  if (source === undefined || compiler === undefined) return words;
  if (source.includes('CertBoundAuthModule')) return THERE;
  const file = parsed(compiler, path, source);
  const added = moduleInsertion(compiler, file);
  if (added === undefined) return words;
  const statements = [
    "import { CertBoundAuthModule } from 'nestjs-cert-bound-auth';",
    `import { certBoundAuthOptions } from './cert-bound-auth${extension}';`,
  ];
  tree.overwrite(
    path,
    withInsertions(source, [importInsertion(compiler, file, statements.join('\n')), added]),
  );
  return DONE;
}

/** The first thing in `imports` of the one `@Module({ … })` of the file. */
function moduleInsertion(compiler: typeof ts, file: ts.SourceFile): Insertion | undefined {
  const [decorator, ...others] = nodesOf(compiler, file, compiler.isDecorator)
    .map(({ expression }) => expression)
    .filter(
      (call): call is ts.CallExpression =>
        compiler.isCallExpression(call) && call.expression.getText() === 'Module',
    );
  const [metadata] = decorator?.arguments ?? [];
  if (others.length > 0 || metadata === undefined || !compiler.isObjectLiteralExpression(metadata))
    return undefined;
  const imports = memberOf(compiler, metadata, 'imports');
  if (imports === undefined) return firstIn(metadata, `imports: [${MODULE}]`);
  if (!compiler.isPropertyAssignment(imports)) return undefined;
  const list = imports.initializer;
  return compiler.isArrayLiteralExpression(list) ? firstIn(list, MODULE) : undefined;
}
