import type ts from 'typescript';
import type { Project } from './project.js';
import { editSource, firstIn, type Insertion, memberOf, nodesOf } from './source-edits.js';
import type { Outcome, Tree } from './tree.js';

/** Has `main.ts` serve the app over mutual TLS, on Express or Fastify. */
export function serveMutualTls(tree: Tree, { compiler, sourceRoot, extension }: Project): Outcome {
  return editSource(tree, compiler, {
    path: `${sourceRoot}/main.ts`,
    words: `Where your app is created, give it httpsOptions: httpsOptions() (Express), or new FastifyAdapter({ https: httpsOptions() }), of ./cert-bound-auth${extension}`,
    isThere: (source) => /\bhttpsOptions\b|\bmutualTls\b/.test(source),
    imports: `import { httpsOptions } from './cert-bound-auth${extension}';`,
    insertion: tlsInsertion,
  });
}

const EXPRESS = 'httpsOptions: httpsOptions()';
const FASTIFY = 'https: httpsOptions()';

function tlsInsertion(compiler: typeof ts, file: ts.SourceFile): Insertion | undefined {
  const [create, ...others] = nodesOf(compiler, file, compiler.isCallExpression).filter(
    ({ expression }) => expression.getText() === 'NestFactory.create',
  );
  if (create === undefined || others.length > 0) return undefined;
  const [, second, third] = create.arguments;
  if (second === undefined || !compiler.isNewExpression(second)) {
    return optionInsertion(compiler, create, second, EXPRESS);
  }
  switch (second.expression.getText()) {
    case 'FastifyAdapter':
      return optionInsertion(compiler, second, second.arguments?.[0], FASTIFY);
    case 'ExpressAdapter':
      return optionInsertion(compiler, create, third, EXPRESS);
    default:
      return undefined;
  }
}

/** Nothing where the options are not written out, or say something of TLS themselves. */
function optionInsertion(
  compiler: typeof ts,
  call: ts.CallExpression | ts.NewExpression,
  options: ts.Expression | undefined,
  text: string,
): Insertion | undefined {
  if (options === undefined) {
    const given = call.arguments ?? [];
    // `new FastifyAdapter` without parentheses has no place for an argument.
    if (!call.getText().endsWith(')')) return undefined;
    return {
      at: given.at(-1)?.getEnd() ?? call.getEnd() - 1,
      text: `${given.length === 0 ? '' : ', '}{ ${text} }`,
    };
  }
  if (!compiler.isObjectLiteralExpression(options)) return undefined;
  const isOpen = options.properties.some((member) => compiler.isSpreadAssignment(member));
  const saysTls = ['https', 'http2', 'serverFactory'].some(
    (name) => memberOf(compiler, options, name) !== undefined,
  );
  return isOpen || saysTls ? undefined : firstIn(options, text);
}
