import type { IncomingMessage } from 'node:http';
import type { RedeemTicket } from '../../authenticate-request.js';
import { invalidRequest } from '../../challenge/oauth-error.js';
import { headerValues } from '../../request/header-values.js';
import type { Exchange } from '../exchange/exchange.js';
import type { AppAuthenticator } from '../exchange/app-authenticator.js';
import { invalidTicket, type TicketContent, type Tickets } from './tickets.js';

const PROTOCOLS = 'sec-websocket-protocol';
/** What a subprotocol begins with that is a ticket. */
const TICKET_PREFIX = 'ticket.';

/** Takes the tickets out of the subprotocols of a handshake, so that nobody chooses one, or logs it. */
export function takeTickets(request: IncomingMessage): readonly string[] {
  const offered = headerValues(request, PROTOCOLS)
    .flatMap((value) => value.split(','))
    .map((name) => name.trim());
  const tickets = offered.filter((name) => name.startsWith(TICKET_PREFIX));
  if (tickets.length > 0)
    replaceProtocols(
      request,
      offered.filter((name) => !tickets.includes(name)),
    );
  return tickets.map((name) => name.slice(TICKET_PREFIX.length));
}

/** The list of raw headers stays the same: what is known of the request hangs on it. */
function replaceProtocols({ headers, rawHeaders }: IncomingMessage, others: readonly string[]): void {
  for (let index = rawHeaders.length - 2; index >= 0; index -= 2)
    if (rawHeaders[index]?.toLowerCase() === PROTOCOLS) rawHeaders.splice(index, 2);
  delete headers[PROTOCOLS];
  if (others.length === 0) return;
  headers[PROTOCOLS] = others.join(', ');
  rawHeaders.push('Sec-WebSocket-Protocol', others.join(', '));
}

/** A request that stands for a handshake with a ticket: it has the credentials as soon as the ticket is redeemed. */
export type StandingRequest = Exchange['request'] & Pick<IncomingMessage, 'url' | 'rawHeaders' | 'headers'>;

export function requestWithTicket(request: IncomingMessage): StandingRequest {
  const { method, url, socket } = request;
  const standing = {
    method,
    url,
    originalUrl: url ?? '',
    headers: { ...request.headers },
    rawHeaders: [...request.rawHeaders],
    socket,
    /** The app finds its user where it is with any other handshake. */
    get user(): unknown {
      return (request as { readonly user?: unknown }).user;
    },
    set user(user: unknown) {
      (request as { user?: unknown }).user = user;
    },
  };
  return standing;
}

/** What tickets are redeemed by. */
interface TicketOffice {
  readonly tickets: Tickets;
  readonly authenticator: AppAuthenticator;
}

/**
 * Makes what puts the credentials that a ticket stands for into the request. The ticket is used once, by whichever policy
 * decides about the handshake, and is good for the one alone that it was made under.
 */
export function redeemer(
  request: StandingRequest,
  offered: readonly string[],
  { tickets, authenticator }: TicketOffice,
): RedeemTicket {
  let taken: Promise<TicketContent> | undefined;
  return async (policy) => {
    const ticket = requireOne(request, offered);
    // Before anything is waited for: a client that hangs up takes its certificate along.
    const certificateThumbprint = authenticator.of({ policy }).thumbprintOf(request);
    const content = await (taken ??= tickets.redeem(ticket));
    if (content.policy !== policy) throw invalidTicket('it is for another policy');
    requireSame(content, request, certificateThumbprint);
    return present(content, request);
  };
}

/** @throws OAuthError 400 */
function requireOne(request: StandingRequest, offered: readonly string[]): string {
  const [ticket = '', ...others] = offered;
  if (others.length > 0 || headerValues(request as unknown as IncomingMessage, 'authorization').length > 0)
    throw invalidRequest('credentials_repeated', { detail: 'a ticket, and other credentials beside it' });
  return ticket;
}

/** @returns thumbprint of the DPoP key that was proved for the ticket */
function present(content: TicketContent, { headers, rawHeaders }: StandingRequest): string | undefined {
  const authorization = `${content.scheme} ${content.token}`;
  headers.authorization = authorization;
  rawHeaders.push('Authorization', authorization);
  return content.provenKey;
}

function requireSame(content: TicketContent, request: StandingRequest, thumbprint: string | undefined): void {
  const origins = headerValues(request as unknown as IncomingMessage, 'origin');
  if (origins.length !== 1 || origins[0] !== content.origin) throw invalidTicket('it is for another origin');
  if (pathOf(request.url ?? '') !== pathOf(content.path)) throw invalidTicket('it is for another path');
  if (thumbprint !== content.certificateThumbprint)
    throw invalidTicket('it is for a client with another certificate');
}

/** Without query; a slash at the end, which socket.io adds, makes no difference. */
function pathOf(target: string): string {
  const [path = ''] = target.split('?', 1);
  return path.length > 1 && path.endsWith('/') ? path.slice(0, -1) : path;
}
