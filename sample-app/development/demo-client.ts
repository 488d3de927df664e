import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { DpopKey } from './dpop-key.js';
import {
  type ClientCertificate,
  type HttpsRequest,
  httpsRequest,
  type HttpsResponse,
} from './https-client.js';
import type { CertificateName } from './pki.js';
import type { Servers } from './servers.js';

/** A call of the API. */
export interface ApiCall {
  readonly token?: string;
  /** A DPoP proof: the token is then sent by that scheme. */
  readonly proof?: string;
  /** The client certificate presented. */
  readonly certificate?: CertificateName;
  readonly method?: 'GET' | 'POST';
  readonly body?: object;
}

/** What a proof is made for. */
export interface ProofTarget {
  /** @default 'GET' */
  readonly method?: 'GET' | 'POST';
  /** @default that of the API that is called */
  readonly apiUrl?: string;
}

/** A client of both servers: it gets tokens and spends them. */
export class DemoClient {
  private readonly ca: string;
  /** The one that the API has given out last: proofs must hold it. */
  private nonce: string | undefined;

  constructor(private readonly servers: Pick<Servers, 'issuer' | 'apiUrl' | 'pki' | 'partnerSecret'>) {
    this.ca = this.read('ca.crt');
  }

  /** Gets a token for a client, by that certificate. */
  async token(clientId: string, certificate: CertificateName, scope: string): Promise<string> {
    const form = { grant_type: 'client_credentials', client_id: clientId, scope };
    return tokenIn(await this.post('/token', form, { certificate }));
  }

  /** Gets a token for a client without a certificate, bound to that key. */
  async dpopToken(clientId: string, key: DpopKey, scope: string): Promise<string> {
    const proof = await key.proof({ method: 'POST', url: `${this.servers.issuer}/token` });
    const credentials = Buffer.from(`${clientId}:${this.servers.partnerSecret}`).toString('base64');
    const headers = { authorization: `Basic ${credentials}`, dpop: proof };
    return tokenIn(await this.post('/token', { grant_type: 'client_credentials', scope }, { headers }));
  }

  /** Revokes a token, as the client that it was issued to. */
  async revoke(token: string, clientId: string, certificate: CertificateName): Promise<void> {
    await this.post('/token/revocation', { token, client_id: clientId }, { certificate });
  }

  /** A proof by a key for a call of the API. */
  async proof(
    key: DpopKey,
    token: string,
    path: string,
    { method = 'GET', apiUrl = this.servers.apiUrl }: ProofTarget = {},
  ): Promise<string> {
    return key.proof({ method, url: `${apiUrl}${path}`, token, nonce: this.nonce });
  }

  /** Calls the API. */
  async call(path: string, call: ApiCall = {}): Promise<HttpsResponse> {
    const { certificate, method, body } = call;
    const answer = await httpsRequest(`${this.servers.apiUrl}${path}`, {
      ca: this.ca,
      ...(certificate === undefined ? {} : { certificate: this.certificate(certificate) }),
      ...(method === undefined ? {} : { method }),
      headers: headersOf(call),
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    this.nonce = answer.headers['dpop-nonce']?.toString() ?? this.nonce;
    return answer;
  }

  private async post(
    path: string,
    form: Readonly<Record<string, string>>,
    { certificate, headers }: Pick<HttpsRequest, 'headers'> & Pick<ApiCall, 'certificate'>,
  ): Promise<string> {
    const { status, body } = await httpsRequest(`${this.servers.issuer}${path}`, {
      ca: this.ca,
      certificate: certificate === undefined ? undefined : this.certificate(certificate),
      method: 'POST',
      headers: { 'content-type': 'application/x-www-form-urlencoded', ...headers },
      body: new URLSearchParams(form).toString(),
    });
    if (status === 200) return body;
    throw new Error(`The authorization server answered ${status} at ${path}: ${body}`);
  }

  private certificate(name: CertificateName): ClientCertificate {
    return { cert: this.read(`${name}.crt`), key: this.read(`${name}.key`) };
  }

  private read(file: string): string {
    return readFileSync(join(this.servers.pki, file), 'utf8');
  }
}

function tokenIn(body: string): string {
  const { access_token: token } = JSON.parse(body) as { readonly access_token: string };
  return token;
}

function headersOf({ token, proof, body }: ApiCall): Readonly<Record<string, string>> {
  return {
    ...(token === undefined ? {} : { authorization: `${proof === undefined ? 'Bearer' : 'DPoP'} ${token}` }),
    ...(proof === undefined ? {} : { dpop: proof }),
    ...(body === undefined ? {} : { 'content-type': 'application/json' }),
  };
}
