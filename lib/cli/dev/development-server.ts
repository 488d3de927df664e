import { once } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { TLSSocket } from 'node:tls';
import { certificateThumbprint } from '../../client-certificate/certificate-thumbprint.js';
import { DPOP_ALGORITHMS } from '../../options/dpop.settings.js';
import { type AuthenticatedClient, authenticateClient, type PeerCertificate } from './development-clients.js';
import type { DevelopmentFolder } from './development-folder.js';
import { DevelopmentTokens, type TokenOrder } from './development-tokens.js';
import { type EndpointAnswer, EndpointRefusal, jsonAnswer, refusalAnswer } from './endpoint-answer.js';
import { mintPage } from './mint-page.js';
import { orderOf } from './minted-by-hand.js';
import { requireBrowser, requireOwnOrigin } from './same-origin.js';
import { TokenRequestProofs } from './token-request-proof.js';

/** How a development server is set up. */
export interface DevelopmentServerOptions {
  readonly folder: DevelopmentFolder;
  /** 0 for any that is free. */
  readonly port: number;
  /** What its tokens can be for; the first is meant where a client names none. */
  readonly audiences: readonly [string, ...string[]];
}

/** Seconds that a token lives. */
const TOKEN_LIFETIME = 3600;
/** Bytes. */
const MAX_FORM = 16_384;

/**
 * An authorization server for development: loopback only, HTTPS by the certificate of its folder. Clients authenticate by
 * certificate or by secret, and get tokens that are bound to the certificate (RFC 8705) or to the key of their DPoP proof.
 */
export class DevelopmentServer {
  private constructor(
    private readonly options: DevelopmentServerOptions,
    private readonly server: Server,
    private readonly port: number,
    private readonly tokens: DevelopmentTokens,
    private readonly proofs: TokenRequestProofs,
  ) {}

  /** @throws Error when it can't listen there */
  static async start(options: DevelopmentServerOptions): Promise<DevelopmentServer> {
    const { folder } = options;
    const server = createServer({
      ...folder.server,
      ca: folder.ca,
      minVersion: 'TLSv1.2',
      // Asked for, not required: browsers and the API have none.
      requestCert: true,
      rejectUnauthorized: false,
    });
    server.listen(options.port, '127.0.0.1');
    await once(server, 'listening').catch((error: unknown) => {
      throw listeningFault(error, options.port);
    });
    const { port } = server.address() as AddressInfo;
    const issuer = `https://localhost:${port}`;
    const tokens = await DevelopmentTokens.create(issuer, folder.signingKey);
    const started = new DevelopmentServer(
      options,
      server,
      port,
      tokens,
      new TokenRequestProofs(`${issuer}/token`),
    );
    server.on('request', (request, response) => void started.respond(request, response));
    return started;
  }

  /** The issuer identifier. */
  get issuer(): string {
    return `https://localhost:${this.port}`;
  }

  /** A token of client1, bound to its certificate. */
  async tokenOfClient1(scope: string | undefined): Promise<string> {
    const { folder, audiences } = this.options;
    return this.tokens.mint({
      clientId: 'client1',
      audience: audiences[0],
      format: 'jwt',
      lifetime: TOKEN_LIFETIME,
      confirmation: { 'x5t#S256': certificateThumbprint(folder.clients.client1.raw) },
      ...(scope === undefined ? {} : { scope }),
    });
  }

  async close(): Promise<void> {
    const closed = once(this.server, 'close');
    this.server.close();
    this.server.closeAllConnections();
    await closed;
  }

  private async respond(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { status, headers, body } = await this.answer(request).catch((error: unknown) =>
      refusalAnswer(
        error instanceof EndpointRefusal ? error : new EndpointRefusal(500, 'server_error', 'it has failed'),
      ),
    );
    // What was not read of a body is not waited for.
    if (!request.complete) response.setHeader('connection', 'close');
    response.writeHead(status, headers).end(body);
  }

  private async answer(request: IncomingMessage): Promise<EndpointAnswer> {
    requireOwnOrigin(request, this.port);
    const endpoint = `${request.method} ${request.url?.split('?')[0]}`;
    switch (endpoint) {
      case 'GET /.well-known/oauth-authorization-server':
      case 'GET /.well-known/openid-configuration':
        return jsonAnswer(200, this.metadata());
      case 'GET /jwks':
        return jsonAnswer(200, { keys: [this.tokens.jwk] });
      case 'GET /':
        return mintPage({ audiences: this.options.audiences });
      case 'POST /mint':
        requireBrowser(request);
        return this.mint(await formOf(request));
      case 'POST /token':
        return this.issue(request, await formOf(request));
      case 'POST /introspect':
        return this.introspect(request, await formOf(request));
      case 'POST /revoke':
        return this.revoke(request, await formOf(request));
      default:
        throw new EndpointRefusal(404, 'not_found', 'there is nothing here');
    }
  }

  private metadata(): object {
    const { issuer } = this;
    const methods = ['tls_client_auth', 'client_secret_basic', 'client_secret_post'];
    return {
      issuer,
      jwks_uri: `${issuer}/jwks`,
      token_endpoint: `${issuer}/token`,
      introspection_endpoint: `${issuer}/introspect`,
      revocation_endpoint: `${issuer}/revoke`,
      grant_types_supported: ['client_credentials'],
      response_types_supported: [],
      token_endpoint_auth_methods_supported: methods,
      introspection_endpoint_auth_methods_supported: methods,
      revocation_endpoint_auth_methods_supported: methods,
      tls_client_certificate_bound_access_tokens: true,
      dpop_signing_alg_values_supported: DPOP_ALGORITHMS,
    };
  }

  private async mint(form: URLSearchParams): Promise<EndpointAnswer> {
    const { audiences, folder } = this.options;
    try {
      return mintPage({ audiences, token: await this.tokens.mint(orderOf(form, audiences, folder.clients)) });
    } catch (error) {
      if (!(error instanceof EndpointRefusal)) throw error;
      return mintPage({ audiences, fault: error.message }, error.status);
    }
  }

  private async issue(request: IncomingMessage, form: URLSearchParams): Promise<EndpointAnswer> {
    const client = this.authenticate(request, form);
    if (client.clientId === 'api')
      throw new EndpointRefusal(400, 'unauthorized_client', 'api only introspects');
    if (form.get('grant_type') !== 'client_credentials') {
      throw new EndpointRefusal(400, 'unsupported_grant_type', 'the grant is client_credentials');
    }
    const order = this.orderOf(client, form, await this.proofKeyOf(request));
    const scope = order.scope === undefined ? {} : { scope: order.scope };
    return jsonAnswer(200, {
      access_token: await this.tokens.mint(order),
      token_type: order.confirmation?.['jkt'] === undefined ? 'Bearer' : 'DPoP',
      expires_in: order.lifetime,
      ...scope,
    });
  }

  private orderOf(client: AuthenticatedClient, form: URLSearchParams, jkt: string | undefined): TokenOrder {
    const { clientId, format, certificateThumbprint: thumbprint } = client;
    if (thumbprint === undefined && jkt === undefined) {
      throw new EndpointRefusal(
        400,
        'invalid_dpop_proof',
        `${clientId} has no certificate: send a DPoP proof`,
      );
    }
    const scope = form.get('scope') ?? undefined;
    return {
      clientId,
      format,
      audience: this.audienceOf(form),
      lifetime: TOKEN_LIFETIME,
      confirmation: {
        ...(thumbprint === undefined ? {} : { 'x5t#S256': thumbprint }),
        ...(jkt === undefined ? {} : { jkt }),
      },
      ...(scope === undefined ? {} : { scope }),
    };
  }

  /** RFC 8707, and `audience` as several servers have it. */
  private audienceOf(form: URLSearchParams): string {
    const { audiences } = this.options;
    const wanted = form.get('resource') ?? form.get('audience') ?? audiences[0];
    if (audiences.includes(wanted)) return wanted;
    throw new EndpointRefusal(400, 'invalid_target', `tokens are for ${audiences.join(', ')}`);
  }

  private async proofKeyOf({ headersDistinct }: IncomingMessage): Promise<string | undefined> {
    const [proof, ...others] = headersDistinct['dpop'] ?? [];
    if (others.length > 0)
      throw new EndpointRefusal(400, 'invalid_dpop_proof', 'there are several DPoP proofs');
    return proof === undefined ? undefined : this.proofs.check(proof);
  }

  private async introspect(request: IncomingMessage, form: URLSearchParams): Promise<EndpointAnswer> {
    this.authenticate(request, form);
    return jsonAnswer(200, await this.tokens.introspect(requiredToken(form)));
  }

  private async revoke(request: IncomingMessage, form: URLSearchParams): Promise<EndpointAnswer> {
    const { clientId } = this.authenticate(request, form);
    await this.tokens.revoke(requiredToken(form), clientId);
    return { ...jsonAnswer(200, {}), body: '' };
  }

  private authenticate(request: IncomingMessage, form: URLSearchParams): AuthenticatedClient {
    const { authorization } = request.headers;
    const certificate = peerOf(request.socket as TLSSocket);
    return authenticateClient({ authorization, form, certificate }, this.options.folder.secrets);
  }
}

function listeningFault(error: unknown, port: number): unknown {
  return (error as NodeJS.ErrnoException).code === 'EADDRINUSE'
    ? new Error(`port ${port} is in use: name another one by --port`, { cause: error })
    : error;
}

/** What the peer has proved, if a CA of ours has issued it and it is current. */
function peerOf(socket: TLSSocket): PeerCertificate | undefined {
  const certificate = socket.authorized ? socket.getPeerX509Certificate() : undefined;
  if (certificate === undefined) return undefined;
  const commonName = /^CN=(.+)$/.exec(certificate.subject)?.[1] ?? '';
  return { commonName, thumbprint: certificateThumbprint(certificate.raw) };
}

async function formOf(request: IncomingMessage): Promise<URLSearchParams> {
  if (!/^application\/x-www-form-urlencoded\b/i.test(request.headers['content-type'] ?? '')) {
    throw new EndpointRefusal(
      415,
      'invalid_request',
      'a form is expected (application/x-www-form-urlencoded)',
    );
  }
  const chunks: Buffer[] = [];
  let length = 0;
  // Left open where it is too large, so that the refusal can be answered.
  for await (const chunk of request.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
    length += chunk.length;
    if (length > MAX_FORM) throw new EndpointRefusal(413, 'invalid_request', 'the form is too large');
    chunks.push(chunk);
  }
  return new URLSearchParams(Buffer.concat(chunks).toString());
}

function requiredToken(form: URLSearchParams): string {
  const token = form.get('token');
  if (token === null) throw new EndpointRefusal(400, 'invalid_request', 'the form has no token');
  return token;
}
