import { logTo } from '../../common/log.js';
import { certificatesIn } from '../certificate-file.js';
import { readConfiguration } from '../explain/configuration.js';
import { type Given, Misuse, readOptions } from '../misuse.js';
import { printableJson } from '../printable.js';
import { exitCodeOf } from '../exit-code.js';
import { SILENT } from '../silent-log.js';
import type { Surroundings } from '../surroundings.js';
import { describeCertificate } from './describe-certificate.js';
import { judgeCertificate, type Presented } from './judge-certificate.js';
import { type CertificateFileReport, type Judgement, printReport } from './print-certificate.js';

const USAGE = `Usage: nestjs-cert-bound-auth certificate <file> [options]

Prints what is known of a certificate, PEM or DER, and what a configuration says of it,
step by step. The first one of the file is the client's, the rest is its chain.

  --config <file>  the configuration of serve
  --policy <name>  which of its policies, where there are several
  --fetch          fetches revocation lists, and asks responders, where the configuration
                   permits it; without, nothing is sent anywhere
  --json           the same as JSON

Exit status: 0 fine; 1 the configuration refuses it, or it cannot be read; 2 the command
line, the file or the configuration is wrong.

See docs/certificate-policy.md`;

const OPTIONS = {
  config: { type: 'string' },
  policy: { type: 'string' },
  fetch: { type: 'boolean' },
  json: { type: 'boolean' },
  help: { type: 'boolean' },
} as const;

const ONE_FILE = 'give one file, and then options: see certificate --help';

/** Runs the command `certificate`. @returns the exit code: 0 fine, 1 refused, 2 misused */
export async function runCertificate(args: readonly string[], surroundings: Surroundings): Promise<number> {
  return exitCodeOf(args, surroundings, async (all) => {
    const [file, ...rest] = all;
    if (file === '--help' || rest.includes('--help')) {
      surroundings.print(USAGE);
      return 0;
    }
    if (file === undefined || file.startsWith('-')) throw new Misuse(ONE_FILE);
    return await certificate(file, readOptions(rest, OPTIONS, ONE_FILE), surroundings);
  });
}

async function certificate(
  file: string,
  given: Given<typeof OPTIONS>,
  { print }: Surroundings,
): Promise<number> {
  // What concerns a server that runs concerns nobody here.
  logTo(SILENT);
  const [leaf, ...chain] = certificatesIn(file);
  const now = Date.now();
  const certificates = [leaf, ...chain].map((each) => describeCertificate(each, now));
  const judgement = await judgementOf({ leaf, chain }, given);
  const report: CertificateFileReport = {
    certificates,
    ...(judgement === undefined ? {} : { judgement }),
  };
  print(given.json === true ? printableJson(report) : printReport(report));
  const isRead = certificates.every((each) => !('fault' in each));
  return isRead && judgement?.outcome !== 'refused' ? 0 : 1;
}

async function judgementOf(
  presented: Presented,
  { config, policy, fetch }: Given<typeof OPTIONS>,
): Promise<Judgement | undefined> {
  if (config === undefined) {
    if (policy !== undefined || fetch !== undefined)
      throw new Misuse(`--${policy === undefined ? 'fetch' : 'policy'} goes with --config`);
    return undefined;
  }
  const { name, options, demands } = readConfiguration({
    config,
    ...(policy === undefined ? {} : { policy }),
  });
  const steps = await judgeCertificate(presented, options.clientCertificate, demands, fetch === true);
  const isRefused = steps.some(({ result }) => result === 'failed');
  return { by: name, outcome: isRefused ? 'refused' : 'accepted', steps };
}
