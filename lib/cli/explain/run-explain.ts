import { logTo } from '../../common/log.js';
import { createDpopRules, type DpopSettings } from '../../dpop/dpop-rules.js';
import type { DpopRules } from '../../dpop/check-dpop-proof.js';
import { explainRequest } from '../../explain/explain-request.js';
import type { Explanation } from '../../explain/explanation.js';
import { ResourceServer } from '../../resource-server.js';
import { type Given, Misuse, readOptions } from '../misuse.js';
import { readText } from '../read-file.js';
import { exitCodeOf } from '../exit-code.js';
import { SILENT } from '../silent-log.js';
import type { Surroundings } from '../surroundings.js';
import { CONFIGURATION_OPTIONS, type LookedAt, readConfiguration } from './configuration.js';
import { printExplanation } from './print-explanation.js';
import { basesOf, seesChainsOf, statedCertificate, statedRequest } from './stated-request.js';

const USAGE = `Usage: nestjs-cert-bound-auth explain [options] < token

Says what a configuration decides about a token, check by check, each with what was
expected and found. Nothing is sent anywhere without --fetch, and no jti is used up.

  --config <file>       the configuration of serve
  --policy <name>       which of its policies, where there are several
  --issuer <url> --audience <aud> [--preset <name>] [--public-url <url>] [--ca <pem>]
                        in the place of a file; with --public-url DPoP proofs are accepted
  --token-file <file>   the token, in the place of standard input
  --cert <file>         the certificate that the client presents, PEM or DER
  --proof <file>        its DPoP proof
  --method <method>     the request; else what the proof is for, or GET
  --url <url>
  --fetch               fetches metadata and keys, and asks introspection about the token
  --json                the explanation as JSON

Exit status: 0 accepted, 1 refused, 2 the command line or the configuration is wrong.

See docs/finding-out-why.md`;

const OPTIONS = {
  ...CONFIGURATION_OPTIONS,
  'token-file': { type: 'string' },
  cert: { type: 'string' },
  proof: { type: 'string' },
  method: { type: 'string' },
  url: { type: 'string' },
  fetch: { type: 'boolean' },
  json: { type: 'boolean' },
  help: { type: 'boolean' },
} as const;

const NO_ARGUMENTS =
  'a token is never taken from the command line, where the history of the shell and other users see it: ' +
  'pipe it in, or give --token-file. Nothing else belongs there either: see explain --help';

/** Runs the command `explain`. @returns the exit code: 0 accepted, 1 refused, 2 misused */
export async function runExplain(args: readonly string[], surroundings: Surroundings): Promise<number> {
  return exitCodeOf(args, surroundings, async (all) => {
    const given = readOptions(all, OPTIONS, NO_ARGUMENTS);
    if (given.help === true) {
      surroundings.print(USAGE);
      return 0;
    }
    return await explain(given, surroundings);
  });
}

async function explain(given: Given<typeof OPTIONS>, surroundings: Surroundings): Promise<number> {
  // What concerns a server that runs concerns nobody here.
  logTo(SILENT);
  const lookedAt = readConfiguration(given);
  const token = await readToken(given, surroundings);
  const explanation = await explainStated(given, lookedAt, token);
  surroundings.print(
    given.json === true
      ? JSON.stringify(explanation, undefined, 2)
      : printExplanation(explanation, lookedAt.name),
  );
  return explanation.outcome === 'accepted' ? 0 : 1;
}

async function readToken(given: Given<typeof OPTIONS>, { input }: Surroundings): Promise<string> {
  const file = given['token-file'];
  const token = (file === undefined ? await input() : readText(file)).trim();
  if (token !== '') return token;
  throw new Misuse(
    file === undefined ? 'there is no token on standard input' : `there is no token in ${file}`,
  );
}

async function explainStated(
  given: Given<typeof OPTIONS>,
  { options, demands }: LookedAt,
  token: string,
): Promise<Explanation> {
  const { clientCertificate, dpop } = options;
  const certificate = statedCertificate(given.cert, clientCertificate);
  const server = new ResourceServer(options, {
    dpop: dpop === undefined ? undefined : proofRules(dpop),
    certificateSource: () => certificate,
  });
  const proof = given.proof === undefined ? undefined : readText(given.proof).trim();
  const stated = { token, proof, method: given.method?.toUpperCase(), url: given.url };
  try {
    return await explainRequest(statedRequest(stated, basesOf(dpop?.publicUrl)), {
      rules: server.decidesBy,
      demands,
      mayAsk: given.fetch === true,
      seesChains: seesChainsOf(clientCertificate),
      knowsNonces: dpop === undefined || knowsNonces(dpop),
    });
  } finally {
    await server.close();
  }
}

/** Without a secret that is configured, an API hands out nonces that nobody else knows. */
function knowsNonces({ nonce, nonceSecret }: DpopSettings): boolean {
  return nonce === 'off' || nonceSecret !== undefined;
}

/** Nothing is kept of a proof. */
function proofRules(dpop: DpopSettings): DpopRules {
  const rules = createDpopRules(dpop, { addIfAbsent: async () => true });
  return knowsNonces(dpop) ? rules : { ...rules, nonces: undefined };
}
