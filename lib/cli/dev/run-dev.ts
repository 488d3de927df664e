import { messageOf } from '../../common/message-of.js';
import type { Surroundings } from '../surroundings.js';
import { type DevArguments, readDevArguments } from './dev-arguments.js';
import { devInstructions } from './dev-instructions.js';

const USAGE = `Usage: nestjs-cert-bound-auth dev [options]

Serves an authorization server for development on loopback, and makes certificates for
your API, two clients, one that has expired and one of a foreign CA. Prints what to put
into the options, a token, and commands that call your API.

  --folder <folder>  of the certificates, kept between runs (default: .cert-bound)
  --port <port>      of the authorization server (default: 9443)
  --audience <aud>   what its tokens are for, several times for several
                     (default: https://api.example.com)
  --scope <scopes>   of the token that is printed (default: none)
  --api <url>        of your API, in the commands that are printed
                     (default: https://localhost:3000)`;

/** Runs the command `dev` until it is stopped. @returns the exit code: 0; 1 where it can't start; 2 misused */
export async function runDev(args: readonly string[], surroundings: Surroundings): Promise<number> {
  if (args.some((arg) => arg === '--help' || arg === '-h')) {
    surroundings.print(USAGE);
    return 0;
  }
  const dev = readDevArguments(args);
  if (dev === undefined) {
    surroundings.complain(USAGE);
    return 2;
  }
  try {
    await serveUntilStopped(dev, surroundings);
    return 0;
  } catch (error) {
    surroundings.complain(`error: ${lacksX509(error) ? INSTALL_X509 : messageOf(error)}`);
    return 1;
  }
}

async function serveUntilStopped(dev: DevArguments, { print, untilStopped }: Surroundings): Promise<void> {
  // What makes certificates needs a package that not every app has.
  const [{ openDevelopmentFolder }, { DevelopmentServer }] = await Promise.all([
    import('./development-folder.js'),
    import('./development-server.js'),
  ]);
  const folder = await openDevelopmentFolder(dev.folder);
  const server = await DevelopmentServer.start({ folder, port: dev.port, audiences: dev.audiences });
  print(devInstructions(dev, server.issuer, await server.tokenOfClient1(dev.scope)));
  await untilStopped();
  await server.close();
}

const INSTALL_X509 = 'certificates are made by @peculiar/x509: npm install --save-dev @peculiar/x509';

function lacksX509(error: unknown): boolean {
  return (
    (error as NodeJS.ErrnoException).code === 'ERR_MODULE_NOT_FOUND' &&
    messageOf(error).includes('@peculiar/x509')
  );
}
