import ts from 'typescript';
import { describe, expect, test } from 'vitest';
import { nestAdd, type NestAddOptions } from '../../lib/schematics/nest-add.js';
import type { Tree } from '../../lib/schematics/tree.js';

type Files = Readonly<Record<string, string>>;

/** What `nest new` makes, as far as it matters: Nest 11 in CommonJS with Jest, Nest 12 in ES modules with Vitest. */
function scaffold(nest: 11 | 12): Files {
  const js = nest === 12 ? '.js' : '';
  const manifest = {
    name: 'bank',
    ...(nest === 12 ? { type: 'module' } : {}),
    dependencies: { '@nestjs/core': `^${nest}.0.1`, rxjs: '^7.8.1' },
    devDependencies: nest === 12 ? { vitest: '^4.1.2' } : { jest: '^30.0.0' },
  };
  return {
    'package.json': JSON.stringify(manifest),
    'src/main.ts': `import { NestFactory } from '@nestjs/core';
import { AppModule } from './app.module${js}';

async function bootstrap() {
  const app = await NestFactory.create(AppModule);
  await app.listen(process.env.PORT ?? 3000);
}
bootstrap();
`,
    'src/app.module.ts': `import { Module } from '@nestjs/common';
import { AppController } from './app.controller${js}';
import { AppService } from './app.service${js}';

@Module({
  imports: [],
  controllers: [AppController],
  providers: [AppService],
})
export class AppModule {}
`,
    'src/app.controller.ts': '',
    'src/app.service.ts': '',
    'test/app.e2e-spec.ts': `import { Test, TestingModule } from '@nestjs/testing';
import { AppModule } from './../src/app.module${js}';

describe('AppController (e2e)', () => {
  beforeEach(async () => {
    const moduleFixture: TestingModule = await Test.createTestingModule({
      imports: [AppModule],
    }).compile();
  });
});
`,
    ...(nest === 11
      ? { 'test/jest-e2e.json': '{ "rootDir": ".", "transform": { "^.+\\\\.(t|j)s$": "ts-jest" } }' }
      : {}),
  };
}

/** What came of running it. */
interface Ran {
  readonly files: Files;
  readonly changed: readonly string[];
  readonly warnings: readonly string[];
  readonly infos: readonly string[];
  readonly tasks: number;
}

const ANSWERS: NestAddOptions = {
  sourceRoot: 'src',
  issuer: 'https://as.example.com',
  audience: 'https://api.example.com',
  skipInstall: false,
};

function run(files: Files, answers: Partial<NestAddOptions> = {}): Ran {
  const now = new Map(Object.entries(files));
  const changed: string[] = [];
  const [warnings, infos]: [string[], string[]] = [[], []];
  let tasks = 0;
  const write = (path: string, content: string): void => {
    changed.push(path);
    now.set(path, content);
  };
  const tree: Tree = {
    exists: (path) => now.has(path),
    read: (path) => now.get(path) ?? null,
    create: write,
    overwrite: write,
  };
  const logger = { info: (text: string) => infos.push(text), warn: (text: string) => warnings.push(text) };
  nestAdd({ ...ANSWERS, ...answers })(tree, { logger, addTask: () => (tasks += 1) });
  return { files: Object.fromEntries(now), changed, warnings, infos, tasks };
}

function syntaxErrorsOf(files: Files): readonly string[] {
  return Object.entries(files).flatMap(([path, source]) => {
    if (!path.endsWith('.ts')) return [];
    const { diagnostics = [] } = ts.transpileModule(source, { fileName: path, reportDiagnostics: true });
    return diagnostics.map(
      ({ messageText }) => `${path}: ${ts.flattenDiagnosticMessageText(messageText, ' ')}`,
    );
  });
}

describe.each([11, 12] as const)('nest add in a project of Nest %s', (nest) => {
  const js = nest === 12 ? '.js' : '';

  test('nest add imports the module, serves mutual TLS, mends the test and adds one, and leaves nothing to be done', () => {
    const { files, warnings, tasks } = run(scaffold(nest));
    expect(warnings).toEqual([]);
    expect(tasks).toBe(1);
    expect(files['src/app.module.ts']).toContain(
      `imports: [CertBoundAuthModule.forRoot(certBoundAuthOptions())],\n`,
    );
    expect(files['src/app.module.ts']).toContain(
      `import { certBoundAuthOptions } from './cert-bound-auth${js}';\n\n@Module`,
    );
    expect(files['src/main.ts']).toContain(
      'NestFactory.create(AppModule, { httpsOptions: httpsOptions() });',
    );
    expect(files['test/app.e2e-spec.ts']).toContain(
      ".useFactory(CertBoundAuthTestingModule.standIn({ subject: 'alice' }))\n      .compile();",
    );
    expect(files['test/cert-bound-auth.e2e-spec.ts']).toContain(`'./../src/app.controller${js}'`);
    expect(files['test/cert-bound-auth.e2e-spec.ts']?.includes("from 'vitest'")).toBe(nest === 12);
    expect(files['package.json']).toContain(`"@nestjs/passport": "^${nest}.0.0"`);
    expect(syntaxErrorsOf(files)).toEqual([]);
  });

  test('nest add changes nothing when it is run again', () => {
    const { changed, infos, tasks } = run(run(scaffold(nest)).files);
    expect({ changed, infos, tasks }).toEqual({ changed: [], infos: [], tasks: 0 });
  });
});

test('Jest is told to compile this package, and keeps the settings that it had', () => {
  const settings = JSON.parse(run(scaffold(11)).files['test/jest-e2e.json'] ?? '') as Record<string, object>;
  expect(settings).toMatchObject({ rootDir: '.' });
  expect(Object.keys(settings['transform'] ?? {})).toEqual(['node_modules/.+\\.js$', '^.+\\.(t|j)s$']);
});

test.each([
  ['NestFactory.create(AppModule)', 'NestFactory.create(AppModule, { httpsOptions: httpsOptions() })'],
  [
    "NestFactory.create(AppModule, { logger: ['warn'] })",
    "NestFactory.create(AppModule, { httpsOptions: httpsOptions(), logger: ['warn'] })",
  ],
  [
    'NestFactory.create<NestFastifyApplication>(AppModule, new FastifyAdapter())',
    'NestFactory.create<NestFastifyApplication>(AppModule, new FastifyAdapter({ https: httpsOptions() }))',
  ],
  [
    'NestFactory.create(AppModule, new FastifyAdapter({ logger: true }), { bufferLogs: true })',
    'NestFactory.create(AppModule, new FastifyAdapter({ https: httpsOptions(), logger: true }), { bufferLogs: true })',
  ],
  [
    'NestFactory.create(AppModule, new ExpressAdapter(server))',
    'NestFactory.create(AppModule, new ExpressAdapter(server), { httpsOptions: httpsOptions() })',
  ],
])('nest add gives TLS to the app that is created by %s', (before, after) => {
  const files = scaffold(11);
  const main = files['src/main.ts']?.replace('NestFactory.create(AppModule)', before) ?? '';
  const ran = run({ ...files, 'src/main.ts': main });
  expect(ran.files['src/main.ts']).toContain(after);
  expect(ran.warnings).toEqual([]);
});

test.each([
  'NestFactory.create(AppModule, options)',
  'NestFactory.create(AppModule, { ...options })',
  'NestFactory.create(AppModule, new FastifyAdapter({ http2: true }))',
  'NestFactory.create(AppModule, new FastifyAdapter)',
  'NestFactory.create(AppModule, adapter())',
  'NestFactory.create(AppModule, new OtherAdapter())',
  'NestFactory.createMicroservice(AppModule)',
  'NestFactory.create(await NestFactory.create(AppModule))',
])('nest add says what to do in main.ts, and leaves it alone, where the app is created by %s', (create) => {
  const files = scaffold(12);
  const main = files['src/main.ts']?.replace('NestFactory.create(AppModule)', create) ?? '';
  const ran = run({ ...files, 'src/main.ts': main });
  expect(ran.files['src/main.ts']).toBe(main);
  expect(ran.warnings).toEqual([expect.stringContaining('httpsOptions: httpsOptions() (Express)')]);
});

test.each([
  ['whose imports are named elsewhere', '@Module({ imports: common })'],
  ['whose metadata may have imports that are not seen', '@Module({ ...common })'],
  ['whose imports are computed', "@Module({ ['imports']: [] })"],
  ['whose imports are a shorthand', '@Module({ imports })'],
  ['of two modules', '@Module({}) class Other {}\n@Module({ imports: [] })'],
  ['without metadata of its own', '@Module(metadata)'],
])('nest add says what to import, and leaves the module alone, for a file %s', (_, decorator) => {
  const source = `import { Module } from '@nestjs/common';\n${decorator}\nexport class AppModule {}\n`;
  const ran = run({ ...scaffold(12), 'src/app.module.ts': source });
  expect(ran.files['src/app.module.ts']).toBe(source);
  expect(ran.warnings).toEqual([expect.stringContaining('add to imports')]);
});

test.each([
  [
    'imports: [Other.forRoot()],',
    'imports: [CertBoundAuthModule.forRoot(certBoundAuthOptions()), Other.forRoot()],',
  ],
  ["'imports': [],", "'imports': [CertBoundAuthModule.forRoot(certBoundAuthOptions())],"],
  ['', 'imports: [CertBoundAuthModule.forRoot(certBoundAuthOptions())] '],
  ['controllers: [A],', 'imports: [CertBoundAuthModule.forRoot(certBoundAuthOptions())], controllers: [A],'],
])('nest add puts the module in front of what is there: %s', (before, after) => {
  const source = `import { Module } from '@nestjs/common';\n@Module({ ${before} })\nexport class AppModule {}\n`;
  const ran = run({ ...scaffold(12), 'src/app.module.ts': source });
  expect(ran.files['src/app.module.ts']).toContain(after);
});

test('what was answered is a literal in the settings, whatever is in it', () => {
  const answers = { issuer: "https://as.example.com/it's\\", audience: "a'; process.exit(); '\n" };
  const { files, infos } = run(scaffold(12), answers);
  const source = files['src/cert-bound-auth.ts'] ?? '';
  expect(source).toContain(String.raw`issuer: 'https://as.example.com/it\'s\\'`);
  expect(source).toContain(String.raw`audience: 'a\'; process.exit(); \''`);
  expect(syntaxErrorsOf(files)).toEqual([]);
  expect(infos.join()).toContain('dev --audience');
});

test('an end-to-end test that is not as nest new makes it is left alone, with words', () => {
  const own = "import { AppModule } from './../src/app.module.js';\nconst imports = [AppModule];\n";
  const ran = run({ ...scaffold(12), 'test/app.e2e-spec.ts': own });
  expect(ran.files['test/app.e2e-spec.ts']).toBe(own);
  expect(ran.warnings).toEqual([expect.stringContaining('sends no token')]);
});

test('an end-to-end test without AppModule is none of nest add', () => {
  const own = "import { OtherModule } from './../src/other.module.js';\n";
  const ran = run({ ...scaffold(12), 'test/app.e2e-spec.ts': own });
  expect([ran.files['test/app.e2e-spec.ts'], ran.warnings]).toEqual([own, []]);
});

test.each([
  ['there are none', undefined],
  ['they are no JSON', '{ // a comment\n}'],
  ['they say themselves what is compiled', '{ "transformIgnorePatterns": [] }'],
])('nest add says what to do by hand with the settings of Jest where %s', (_, settings) => {
  const { 'test/jest-e2e.json': __, ...files } = scaffold(11);
  const ran = run({ ...files, ...(settings === undefined ? {} : { 'test/jest-e2e.json': settings }) });
  expect(ran.files['test/jest-e2e.json']).toBe(settings);
  expect(ran.warnings).toEqual([expect.stringContaining('CommonJS and Jest')]);
});

test('nest add writes no first test into an app that is not as nest new makes it, and says where to read on', () => {
  const { 'src/app.service.ts': _, ...files } = scaffold(12);
  const { changed, warnings } = run(files);
  expect(changed).not.toContain('test/cert-bound-auth.e2e-spec.ts');
  expect(warnings).toEqual([expect.stringContaining('docs/testing.md')]);
  const own = { ...files, 'test/cert-bound-auth.e2e-spec.ts': 'own' };
  expect(run(own).warnings).toEqual([]);
});

test('nest add takes the packages of Nest 12 where a project does not say its own, and adds what is missing alone', () => {
  const manifest = { dependencies: { passport: '^0.7.0' } };
  const { files } = run({ ...scaffold(12), 'package.json': JSON.stringify(manifest) });
  expect(JSON.parse(files['package.json'] ?? '')).toEqual({
    dependencies: { '@nestjs/passport': '^12.0.0', passport: '^0.7.0' },
    devDependencies: { '@peculiar/x509': '^2.0.0' },
  });
});

test('nest add installs nothing with --skip-install, and says so', () => {
  const { infos, tasks } = run(scaffold(12), { skipInstall: true });
  expect(tasks).toBe(0);
  expect(infos).toContain('First: npm install');
});

test('nest add puts its import first in a file that imports nothing, behind its first line for the shell', () => {
  const main = '#!/usr/bin/env node\nvoid NestFactory.create(AppModule);\n';
  const { files } = run({ ...scaffold(12), 'src/main.ts': main });
  expect(files['src/main.ts']).toMatch(/^#!.*\nimport \{ httpsOptions \} from/);
  const plain = run({ ...scaffold(12), 'src/main.ts': 'void NestFactory.create(AppModule);\n' });
  expect(plain.files['src/main.ts']).toMatch(/^import \{ httpsOptions \} from/);
});

test('nest add says what to do by hand where there is no main.ts, and fails where there is no package.json', () => {
  const { 'src/main.ts': _, ...files } = scaffold(12);
  expect(run(files).warnings).toEqual([expect.stringContaining('httpsOptions: httpsOptions() (Express)')]);
  const { 'package.json': __, ...others } = scaffold(12);
  expect(() => run(others)).toThrow(SyntaxError);
});

test('an app of a monorepo has its tests beside its sources', () => {
  const files = Object.fromEntries(
    Object.entries(scaffold(11)).map(([path, text]) => [
      path === 'package.json' ? path : `apps/bank/${path}`,
      text,
    ]),
  );
  const { changed, warnings } = run(files, { sourceRoot: 'apps/bank/src' });
  expect(changed.filter((path) => path.endsWith('.ts'))).toEqual([
    'apps/bank/src/cert-bound-auth.ts',
    'apps/bank/src/app.module.ts',
    'apps/bank/src/main.ts',
    'apps/bank/test/app.e2e-spec.ts',
    'apps/bank/test/cert-bound-auth.e2e-spec.ts',
  ]);
  expect(warnings).toEqual([]);
});
