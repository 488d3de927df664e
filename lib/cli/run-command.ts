import { createRequire } from 'node:module';
import { parseArgs } from 'node:util';
import { messageOf } from '../common/message-of.js';
import type { AskingProxy } from '../forward-auth/forward-auth.options.js';
import { CONFIGURED_PROXIES } from './proxy-config/configured-proxies.js';
import { ConfigurationFault, readServeConfig } from './serve-config.js';
import type { Surroundings } from './surroundings.js';

const USAGE = `Usage: nestjs-cert-bound-auth <command> <file>

  serve <config>         answers a proxy whether it may let a request pass
  check-config <config>  checks the configuration (JSON or YAML), and names every fault
  proxy-config <proxy> <config>
                         prints the configuration of nginx, traefik, caddy or envoy
                         for the policies of a configuration
  dev [options]          an authorization server and certificates for development:
                         dev --help
  thumbprint <cert>      prints the x5t#S256 of each certificate (PEM or DER), one a line
  certificate <cert> [options]
                         prints what is known of a certificate, and what a configuration
                         says of it: certificate --help
  explain [options] < token
                         says what a configuration decides about a token, check by check:
                         explain --help
  doctor [options]       looks at an authorization server, an API and Redis as they run:
                         doctor --help

  --help, --version

See https://www.npmjs.com/package/nestjs-cert-bound-auth`;

/** A command line as it was meant. */
type Command =
  | { readonly name: 'help' | 'version' }
  | { readonly name: 'serve' | 'check-config' | 'thumbprint'; readonly file: string }
  | { readonly name: 'proxy-config'; readonly proxy: AskingProxy; readonly file: string };

/**
 * Runs a command.
 * @returns the exit code: 0; 1 where the configuration or a file is wrong; 2 where the command line is
 */
export async function runCommand(args: readonly string[], surroundings: Surroundings): Promise<number> {
  const [name, ...rest] = args;
  if (name === 'dev') {
    const { runDev } = await import('./dev/run-dev.js');
    return runDev(rest, surroundings);
  }
  if (name === 'certificate') {
    const { runCertificate } = await import('./certificate/run-certificate.js');
    return runCertificate(rest, surroundings);
  }
  if (name === 'explain') {
    const { runExplain } = await import('./explain/run-explain.js');
    return runExplain(rest, surroundings);
  }
  if (name === 'doctor') {
    const { runDoctor } = await import('./doctor/run-doctor.js');
    return runDoctor(rest, surroundings);
  }
  const command = readCommand(args);
  if (command === undefined) {
    surroundings.complain(USAGE);
    return 2;
  }
  try {
    await run(command, surroundings);
    return 0;
  } catch (error) {
    surroundings.complain(error instanceof ConfigurationFault ? error.message : `error: ${messageOf(error)}`);
    return 1;
  }
}

const FILE_COMMANDS = ['serve', 'check-config', 'thumbprint'] as const;

function readCommand(args: readonly string[]): Command | undefined {
  try {
    const options = {
      help: { type: 'boolean', short: 'h' },
      version: { type: 'boolean', short: 'v' },
    } as const;
    const { values, positionals } = parseArgs({ args: [...args], options, allowPositionals: true });
    if (values.help === true) return { name: 'help' };
    if (values.version === true) return { name: 'version' };
    return positionals[0] === 'proxy-config' ? readProxyCommand(positionals) : readFileCommand(positionals);
  } catch {
    return undefined;
  }
}

function readFileCommand([given, file, ...others]: readonly string[]): Command | undefined {
  const name = FILE_COMMANDS.find((known) => known === given);
  return name === undefined || file === undefined || others.length > 0 ? undefined : { name, file };
}

function readProxyCommand([, given, file, ...others]: readonly string[]): Command | undefined {
  const proxy = CONFIGURED_PROXIES.find((known) => known === given);
  return proxy === undefined || file === undefined || others.length > 0
    ? undefined
    : { name: 'proxy-config', proxy, file };
}

/** Each loads what it needs, for a server keeps what was loaded. */
async function run(command: Command, surroundings: Surroundings): Promise<void> {
  switch (command.name) {
    case 'help':
      surroundings.print(USAGE);
      return;
    case 'version':
      surroundings.print(version());
      return;
    case 'thumbprint': {
      const { thumbprintsIn } = await import('./thumbprints.js');
      for (const thumbprint of thumbprintsIn(command.file)) surroundings.print(thumbprint);
      return;
    }
    case 'check-config':
      readServeConfig(command.file);
      surroundings.print('ok');
      return;
    case 'proxy-config': {
      const { proxyConfig } = await import('./proxy-config/proxy-config.js');
      surroundings.print(proxyConfig(command.proxy, command.file).trimEnd());
      return;
    }
    case 'serve':
      return runServer(command.file, surroundings);
  }
}

async function runServer(file: string, { print, untilStopped }: Surroundings): Promise<void> {
  const { serve } = await import('./serve.js');
  const server = await serve(readServeConfig(file));
  print(`listening on ${server.address}`);
  await untilStopped();
  await server.close();
}

function version(): string {
  const require = createRequire(import.meta.url);
  const manifest = require('nestjs-cert-bound-auth/package.json') as { readonly version: string };
  return manifest.version;
}
