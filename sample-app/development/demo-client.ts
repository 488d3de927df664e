import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type ClientCertificate, httpsRequest, type HttpsResponse } from './https-client.js';
import type { CertificateName } from './pki.js';
import type { Servers } from './servers.js';

/** A call of the API. */
export interface ApiCall {
  readonly token?: string;
  /** The client certificate presented. */
  readonly certificate?: CertificateName;
  readonly method?: 'GET' | 'POST';
  readonly body?: object;
}

/** A client of both servers: it gets tokens and spends them. */
export class DemoClient {
  private readonly ca: string;

  constructor(private readonly servers: Pick<Servers, 'issuer' | 'apiUrl' | 'pki'>) {
    this.ca = this.read('ca.crt');
  }

  /** Gets a token for a client, by that certificate. */
  async token(clientId: string, certificate: CertificateName, scope: string): Promise<string> {
    const form = { grant_type: 'client_credentials', client_id: clientId, scope };
    const { access_token: token } = JSON.parse(await this.post('/token', form, certificate)) as {
      readonly access_token: string;
    };
    return token;
  }

  /** Revokes a token, as the client that it was issued to. */
  async revoke(token: string, clientId: string, certificate: CertificateName): Promise<void> {
    await this.post('/token/revocation', { token, client_id: clientId }, certificate);
  }

  /** Calls the API. */
  async call(path: string, { token, certificate, method, body }: ApiCall = {}): Promise<HttpsResponse> {
    return httpsRequest(`${this.servers.apiUrl}${path}`, {
      ca: this.ca,
      ...(certificate === undefined ? {} : { certificate: this.certificate(certificate) }),
      ...(method === undefined ? {} : { method }),
      headers: {
        ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
  }

  private async post(
    path: string,
    form: Readonly<Record<string, string>>,
    certificate: CertificateName,
  ): Promise<string> {
    const { status, body } = await httpsRequest(`${this.servers.issuer}${path}`, {
      ca: this.ca,
      certificate: this.certificate(certificate),
      method: 'POST',
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
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
