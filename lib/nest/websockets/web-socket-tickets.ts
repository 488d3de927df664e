import { BadRequestException, HttpException, Injectable } from '@nestjs/common';
import { LRUCache } from 'lru-cache';
import { OAuthError } from '../../challenge/oauth-error.js';
import type { Acceptance } from '../../decision.js';
import { headerValues } from '../../request/header-values.js';
import { type HttpRequest, rawRequestOf } from '../../request/http-request.js';
import type { AppAuthenticator } from '../exchange/app-authenticator.js';
import { recordOf } from '../exchange/request-record.js';
import { handshakeOf } from './handshake-exchange.js';
import type { Tickets } from './tickets.js';

/** What a ticket is asked for. */
export interface TicketRequest {
  /** The path of the gateway, as the handshake will name it: that of `@WebSocketGateway({ path })`, or `/socket.io`. */
  readonly path: string;
}

/** Not `null`, which all have that have none. */
const ORIGIN = /^[a-z][a-z\d+.-]*:\/\/\S+$/i;

/** Most tickets of one token at once. */
const MOST_OF_ONE_TOKEN = 32;

/**
 * Makes tickets for browsers, which cannot send `Authorization` with a WebSocket. A ticket stands for the token of the
 * request that it is made in. It works once, within `webSocketTickets.lifetime`, for this path, from the same `Origin`, and
 * with the same client certificate; and at gateways of the same policy as the route that it is made in.
 * @example
 * ```ts
 * import { Controller, Post, Req } from '@nestjs/common';
 * import { WebSocketTickets } from 'nestjs-cert-bound-auth';
 *
 * @Controller('tickets')
 * export class TicketsController {
 *   constructor(private readonly tickets: WebSocketTickets) {}
 *
 *   @Post() async create(@Req() request: object) {
 *     return { ticket: await this.tickets.issue(request, { path: '/chat' }) };
 *   }
 * }
 * ```
 */
@Injectable()
export class WebSocketTickets {
  private readonly counts: LRUCache<string, number>;

  constructor(
    private readonly authenticator: AppAuthenticator,
    private readonly tickets: Tickets | undefined,
  ) {
    this.counts = new LRUCache({ max: 20_000, ttl: tickets?.lifetime ?? 1, noUpdateTTL: true });
  }

  /**
   * Makes a ticket for the client of a request that a guard of this module has let in.
   * @param request of Express or Fastify
   * @returns what the client sends behind `ticket.` as a subprotocol
   * @throws HttpException 400 without an `Origin`, and by a session, which needs none, 429 for too many, 503 when it cannot be kept; Error where the app asks
   * wrongly: without the option `webSocketTickets`, in a public route, or long after the request came
   */
  async issue(request: object, { path }: TicketRequest): Promise<string> {
    const { tickets } = this;
    if (tickets === undefined) throw new Error('WebSocketTickets: set the option webSocketTickets');
    if (!path.startsWith('/'))
      throw new TypeError(`WebSocketTickets: the path '${path}' has no slash in front`);
    const acceptance = await this.acceptanceOf(request, tickets.lifetime);
    if (acceptance.trace.bySession)
      throw new BadRequestException('A session needs no ticket: its cookie comes with the handshake');
    const [origin, ...others] = headerValues(rawRequestOf(request), 'origin');
    if (origin === undefined || others.length > 0 || !ORIGIN.test(origin))
      throw new BadRequestException('The request must have one Origin header: send it by POST');
    this.count(acceptance);
    return tickets.issue({ ...credentialsOf(request, acceptance), path, origin }).catch((error: unknown) => {
      if (!(error instanceof OAuthError)) throw error;
      throw new HttpException('Tickets cannot be made at the moment', error.refusal.status, { cause: error });
    });
  }

  /** A proof, too, was of this very request, and just now. */
  private async acceptanceOf(request: HttpRequest, limit: number): Promise<Acceptance> {
    const isHandshake = handshakeOf(rawRequestOf(request)) !== undefined;
    const decision = isHandshake
      ? undefined
      : await this.authenticator.atRouteOf(request).decisionAbout(request);
    if (decision?.outcome !== 'accepted')
      throw new Error(
        'WebSocketTickets: give a request of HTTP whose token has been accepted, of a protected route',
      );
    if (performance.now() - decision.trace.startedAt > limit)
      throw new Error('WebSocketTickets: make the ticket while the request is handled');
    return decision;
  }

  private count({ trace: { tokenDigest = '' } }: Acceptance): void {
    const count = this.counts.get(tokenDigest) ?? 0;
    if (count >= MOST_OF_ONE_TOKEN) throw new HttpException('Too many tickets', 429);
    this.counts.set(tokenDigest, count + 1);
  }
}

function credentialsOf(
  request: HttpRequest,
  { token, proved, trace }: Acceptance,
): Omit<Parameters<Tickets['issue']>[0], 'path' | 'origin'> {
  const [header = ''] = headerValues(rawRequestOf(request), 'authorization');
  const scheme = trace.scheme ?? 'Bearer';
  return {
    scheme,
    token: header.slice(scheme.length).trim(),
    policy: recordOf(request).policy?.policy,
    provenKey: proved.boundBy.includes('dpop') ? token.confirmation.jwkThumbprint : undefined,
    certificateThumbprint: trace.certificateThumbprint,
  };
}
