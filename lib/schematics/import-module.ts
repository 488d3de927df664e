import type ts from 'typescript';
import type { Project } from './project.js';
import { editSource, firstIn, type Insertion, isNamed, memberOf, nodesOf } from './source-edits.js';
import type { Outcome, Tree } from './tree.js';

const MODULE = 'CertBoundAuthModule.forRoot(certBoundAuthOptions())';

/** Imports the module into `AppModule`. */
export function importModule(tree: Tree, { compiler, sourceRoot, extension }: Project): Outcome {
  return editSource(tree, compiler, {
    path: `${sourceRoot}/app.module.ts`,
    words: `In your root module, add to imports: ${MODULE}, of nestjs-cert-bound-auth and ./cert-bound-auth${extension}`,
    isThere: (source) => source.includes('CertBoundAuthModule'),
    imports: [
      "import { CertBoundAuthModule } from 'nestjs-cert-bound-auth';",
      `import { certBoundAuthOptions } from './cert-bound-auth${extension}';`,
    ].join('\n'),
    insertion: moduleInsertion,
  });
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
  // What is spread or computed may hold imports of its own.
  if (imports === undefined && !metadata.properties.every((member) => isNamed(compiler, member)))
    return undefined;
  if (imports === undefined) return firstIn(metadata, `imports: [${MODULE}]`);
  if (!compiler.isPropertyAssignment(imports)) return undefined;
  const list = imports.initializer;
  return compiler.isArrayLiteralExpression(list) ? firstIn(list, MODULE) : undefined;
}
