import * as oauth from 'oauth4webapi';
import { Agent, fetch as undiciFetch } from 'undici';
import type { World } from './world.js';

/** What a challenge tells a client. */
export interface Told {
  readonly status: number;
  readonly scheme: string;
  readonly parameters: Readonly<Record<string, string>>;
}

const REDIRECT = 'https://client.example/callback';

/**
 * A client of a user, with a key for DPoP: it knows the URL of an API and nothing else, and learns the rest from what it is
 * told (RFC 9728, RFC 9470), by oauth4webapi.
 */
export class WalkingClient {
  private readonly agent: Agent;
  private readonly client: oauth.Client = { client_id: 'walker' };
  private readonly cookies = new Map<string, string>();
  private token: string | undefined;

  private constructor(
    { ca }: World,
    private readonly dpop: oauth.DPoPHandle,
  ) {
    this.agent = new Agent({ connect: { ca: ca.cert } });
  }

  static async create(world: World): Promise<WalkingClient> {
    return new WalkingClient(world, oauth.DPoP({}, await oauth.generateKeyPair('ES256')));
  }

  /** Calls the API with the token that it has, if any. @returns the text of the answer, or what a challenge told */
  async call(method: 'GET' | 'POST', url: string): Promise<string | Told> {
    const response = await this.send(method, url);
    return response.ok ? response.text() : toldBy(response);
  }

  private async send(method: 'GET' | 'POST', url: string): Promise<Response> {
    if (this.token === undefined) return this.fetch(url, { method });
    try {
      return await oauth.protectedResourceRequest(this.token, method, new URL(url), undefined, undefined, {
        DPoP: this.dpop,
        [oauth.customFetch]: this.fetch,
      });
    } catch (error) {
      if (error instanceof oauth.WWWAuthenticateChallengeError) return error.response;
      throw error;
    }
  }

  /** Gets a token for an API as its metadata says. @param needed parameters of the challenge, for the authorization request */
  async authorize(resource: string, needed: Readonly<Record<string, string>>): Promise<void> {
    const options = { [oauth.customFetch]: this.fetch };
    const identifier = new URL(resource);
    const metadata = await oauth.processResourceDiscoveryResponse(
      identifier,
      await oauth.resourceDiscoveryRequest(identifier, options),
    );
    const issuer = new URL(metadata.authorization_servers?.[0] ?? '');
    const server = await oauth.processDiscoveryResponse(
      issuer,
      await oauth.discoveryRequest(issuer, options),
    );
    const verifier = oauth.generateRandomCodeVerifier();
    const url = new URL(server.authorization_endpoint ?? '');
    const parameters = {
      client_id: this.client.client_id,
      response_type: 'code',
      redirect_uri: REDIRECT,
      resource,
      code_challenge: await oauth.calculatePKCECodeChallenge(verifier),
      code_challenge_method: 'S256',
      ...needed,
      // Of authentication only OpenID Connect knows.
      ...('acr_values' in needed ? { scope: `openid ${needed['scope'] ?? ''}` } : {}),
    };
    for (const [name, value] of Object.entries(parameters)) url.searchParams.set(name, value);
    const callback = oauth.validateAuthResponse(
      server,
      this.client,
      await this.walk(url),
      oauth.expectNoState,
    );
    const request = async (): Promise<oauth.TokenEndpointResponse> =>
      oauth.processAuthorizationCodeResponse(
        server,
        this.client,
        await oauth.authorizationCodeGrantRequest(
          server,
          this.client,
          oauth.None(),
          callback,
          REDIRECT,
          verifier,
          {
            DPoP: this.dpop,
            additionalParameters: { resource },
            ...options,
          },
        ),
      );
    const { access_token: token } = await request();
    this.token = token;
  }

  /** Follows redirects as a browser does, up to the client's own. */
  private async walk(from: URL): Promise<URL> {
    let url = from;
    for (let step = 0; step < 10; step += 1) {
      const cookie = [...this.cookies].map(([name, value]) => `${name}=${value}`).join('; ');
      const response = await this.fetch(url.href, { headers: { cookie }, redirect: 'manual' });
      for (const set of response.headers.getSetCookie()) this.keep(set);
      const location = response.headers.get('location');
      if (location === null) throw new Error(`${response.status} at ${url.href}: ${await response.text()}`);
      url = new URL(location, url);
      if (url.href.startsWith(REDIRECT)) return url;
    }
    throw new Error('too many redirects');
  }

  private keep(cookie: string): void {
    const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(cookie) ?? [];
    if (value === '') this.cookies.delete(name);
    else this.cookies.set(name, value);
  }

  private readonly fetch = async (url: string, options: object): Promise<Response> =>
    undiciFetch(url, { ...options, dispatcher: this.agent });

  async close(): Promise<void> {
    await this.agent.close();
  }
}

/** The challenge of DPoP where there is one: this client has a key for that. */
function toldBy(response: Response): Told {
  const header = response.headers.get('www-authenticate') ?? '';
  const challenges = header.split(/,? ?(?=(?:Bearer|DPoP)\b)/).filter((text) => text !== '');
  const challenge = challenges.find((text) => text.startsWith('DPoP')) ?? challenges[0] ?? '';
  const parameters = [...challenge.matchAll(/([a-z_]+)="([^"]*)"/g)].map(([, name = '', value = '']) => [
    name,
    value,
  ]);
  return {
    status: response.status,
    scheme: challenge.split(' ')[0] ?? '',
    parameters: Object.fromEntries(parameters) as Readonly<Record<string, string>>,
  };
}
