import { logTo } from '../../common/log.js';
import { examine } from '../../doctor/examine.js';
import { readOptions } from '../misuse.js';
import { exitCodeOf } from '../exit-code.js';
import { SILENT } from '../silent-log.js';
import type { Surroundings } from '../surroundings.js';
import { DOCTOR_OPTIONS, readDoctorArguments } from './doctor-arguments.js';
import { printReport } from './print-report.js';

const USAGE = `Usage: nestjs-cert-bound-auth doctor [options]

Looks at an authorization server, an API and Redis as they run, and says of each thing
that it looks at what it found, and what to do. Give at least one of:

  --config <file> [--policy <name>]
                        the configuration of serve: its servers, and what it expects
  --issuer <url> [--audience <aud>] [--preset <name>] [--public-url <url>]
                        in the place of a file
  --url <url>           a path of the API that needs a token, as clients call it
  --redis <url>         redis://host:port or rediss://host:port

With --url:
  --cert <pem> --key <pem>
                        the client's certificate
  --token-file <file>   a token that is bound to it: is it accepted, and from nobody else?
  --other-cert <pem> --other-key <pem>
                        of somebody else whom the server trusts, who plays the thief
  --dpop-key <file>     the private key that the token is bound to, PEM or JWK
  --backend <url>       the API behind the proxy: does a direct call pass?

  --ca <pem>            the CA of the servers' certificates (with --config: of the API's)
  --redis-auth-file <file>
                        user:password of Redis, or its password
  --timeout <seconds>   for each look (default: 10)
  --json                the report as JSON

A token is sent to --url, to --backend, and to the introspection endpoint of the
configuration, by GET or as RFC 7662 says. Nothing is changed anywhere.

Exit status: 0 fine, 1 problems, 2 the command line or the configuration is wrong.

See docs/finding-out-why.md`;

const NO_ARGUMENTS =
  'a token or a password is never taken from the command line, where the history of the shell and other users see it: ' +
  'give --token-file. Nothing else belongs there either: see doctor --help';

/** Runs the command `doctor`. @returns the exit code: 0 fine, 1 problems, 2 misused */
export async function runDoctor(args: readonly string[], surroundings: Surroundings): Promise<number> {
  return exitCodeOf(args, surroundings, async (all) => {
    const given = readOptions(all, DOCTOR_OPTIONS, NO_ARGUMENTS);
    if (given.help === true) {
      surroundings.print(USAGE);
      return 0;
    }
    // What concerns a server that runs concerns nobody here.
    logTo(SILENT);
    const { patient, rules } = readDoctorArguments(given);
    const report = await examine(patient, rules);
    surroundings.print(given.json === true ? JSON.stringify(report, undefined, 2) : printReport(report));
    return report.outcome === 'fine' ? 0 : 1;
  });
}
