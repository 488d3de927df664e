import { readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import type { Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createAuthorizationServer } from '../../../sample-app/authorization-server.js';
import { httpsRequest, type HttpsResponse } from '../../../sample-app/development/https-client.js';
import { type CertificateName, ensurePki } from '../../../sample-app/development/pki.js';

/** The sample's authorization server in this process, on a free port, with a PKI of its own. */
export interface SampleAuthorizationServer {
  readonly issuer: string;
  /** The directory of the PKI. */
  readonly pki: string;
  readonly api: { readonly clientId: string; readonly clientSecret: string };
  /** The secret of partner1. */
  readonly partnerSecret: string;
  /** Posts a form, with that certificate. */
  post(path: string, form: Readonly<Record<string, string>>, options?: PostOptions): Promise<HttpsResponse>;
  get(path: string): Promise<HttpsResponse>;
  stop(): Promise<void>;
}

export interface PostOptions {
  readonly certificate?: CertificateName;
  readonly headers?: Readonly<Record<string, string>>;
}

export async function startSampleAuthorizationServer(): Promise<SampleAuthorizationServer> {
  const pki = await mkdtemp(join(tmpdir(), 'sample-pki-'));
  await ensurePki(pki);
  const read = (file: string): string => readFileSync(join(pki, file), 'utf8');
  const ca = read('ca.crt');
  const api = { clientId: 'api', clientSecret: 'a secret with % : and spaces' };
  const partnerSecret = 'another secret';
  const server = createAuthorizationServer({
    tls: { key: read('server.key'), cert: read('server.crt'), ca },
    api,
    partnerSecret,
  });
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  const issuer = `https://localhost:${(server.address() as AddressInfo).port}`;
  return {
    issuer,
    pki,
    api,
    partnerSecret,
    get: (path) => httpsRequest(`${issuer}${path}`, { ca }),
    post: (path, form, { certificate, headers = {} } = {}) =>
      httpsRequest(`${issuer}${path}`, {
        ca,
        method: 'POST',
        headers: { 'content-type': 'application/x-www-form-urlencoded', ...headers },
        body: new URLSearchParams(form).toString(),
        certificate:
          certificate === undefined
            ? undefined
            : { cert: read(`${certificate}.crt`), key: read(`${certificate}.key`) },
      }),
    stop: () => stop(server, pki),
  };
}

async function stop(server: Server, pki: string): Promise<void> {
  server.close();
  server.closeAllConnections();
  await rm(pki, { recursive: true, force: true });
}
