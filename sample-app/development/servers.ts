import { randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { ChildServer, type OnLine } from './child-server.js';
import { httpsRequest } from './https-client.js';
import { ensurePki, pkiDirectory } from './pki.js';
import { assertPortsFree, baseUrl, listeningHost, type Ports, publicHost } from './ports.js';
import { errorCode, Problem } from './problem.js';

/** The two servers, both answering. */
export interface Servers {
  readonly issuer: string;
  readonly apiUrl: string;
  /** The directory of the certificates. */
  readonly pki: string;
  /** The secret of the client partner1. */
  readonly partnerSecret: string;
  readonly authorizationServer: ChildServer;
  readonly api: ChildServer;
  stop(): Promise<void>;
}

const START_TIMEOUT = 30_000;

/**
 * Makes the PKI, starts the authorization server and the API, and waits until both answer.
 * @returns nothing if it was interrupted
 */
export async function startServers(
  ports: Ports,
  onLine: OnLine,
  interrupted: AbortSignal,
): Promise<Servers | undefined> {
  const host = listeningHost();
  const pki = pkiDirectory();
  await assertPortsFree(ports, host);
  await ensurePki(pki, publicHost(host));

  const issuer = baseUrl(host, ports.authorizationServer);
  const apiUrl = baseUrl(host, ports.api);
  const env = environment(host, issuer, pki);
  const partnerSecret = randomSecret();
  const authorizationServer = new ChildServer({
    name: 'authorization server',
    program: 'authorization-server.main.js',
    env: { ...env, AS_PORT: String(ports.authorizationServer), PARTNER_SECRET: partnerSecret },
    onLine,
  });
  const api = new ChildServer({
    name: 'API',
    program: 'main.js',
    env: { ...env, PORT: String(ports.api), PUBLIC_URL: apiUrl, NONCE_SECRET: randomSecret() },
    onLine,
  });
  const stop = async (): Promise<void> => {
    await Promise.all([authorizationServer.stop(), api.stop()]);
  };
  try {
    const ca = await readFile(env.CA_FILE, 'utf8');
    const metadata = `${issuer}/.well-known/openid-configuration`;
    await Promise.all([
      untilAnswers(authorizationServer, metadata, ca, interrupted),
      untilAnswers(api, `${apiUrl}/health`, ca, interrupted),
    ]);
  } catch (error) {
    await stop();
    if (interrupted.aborted) return undefined;
    throw error;
  }
  return { issuer, apiUrl, pki, partnerSecret, authorizationServer, api, stop };
}

/** What the two processes have in common: the issuer, the certificates and the credentials of the API. */
function environment(host: string, issuer: string, pki: string) {
  return {
    HOST: host,
    ISSUER: issuer,
    CA_FILE: join(pki, 'ca.crt'),
    CERT_FILE: join(pki, 'server.crt'),
    KEY_FILE: join(pki, 'server.key'),
    API_CLIENT_ID: 'api',
    API_CLIENT_SECRET: randomSecret(),
  };
}

function randomSecret(): string {
  return randomBytes(32).toString('base64url');
}

/** Waits until a server answers 200. */
async function untilAnswers(
  server: ChildServer,
  url: string,
  ca: string,
  interrupted: AbortSignal,
): Promise<void> {
  const deadline = Date.now() + START_TIMEOUT;
  let answer: string;
  do {
    if (!server.isRunning) {
      throw new Problem(`The ${server.name} ended before it answered (${await server.ended}).`);
    }
    answer = await probe(url, ca);
    if (answer === 'status 200') return;
    await sleep(100, undefined, { signal: interrupted });
  } while (Date.now() < deadline);
  throw new Problem(`The ${server.name} does not answer at ${url} (${answer}).`);
}

async function probe(url: string, ca: string): Promise<string> {
  return httpsRequest(url, { ca }).then(
    ({ status }) => `status ${status}`,
    (error: unknown) => errorCode(error) ?? String(error),
  );
}
