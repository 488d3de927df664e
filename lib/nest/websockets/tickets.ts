import { createHmac, randomBytes } from 'node:crypto';
import type { WebSocketTicketStore } from '../../cert-bound-auth.options.js';
import { invalidToken, type OAuthError, outage } from '../../challenge/oauth-error.js';
import { messageOf } from '../../common/message-of.js';
import { answerWithin } from '../../common/time-limit.js';
import type { AuthenticationScheme } from '../../decision.js';
import { open, seal } from '../../introspection/sealed-text.js';
import type { WebSocketTicketSettings } from '../../options/web-socket-tickets.settings.js';
import { MemoryTicketStore } from './memory-ticket-store.js';

/** What a ticket stands for, and whom it is good for. */
export interface TicketContent {
  readonly scheme: AuthenticationScheme;
  readonly token: string;
  /** Thumbprint of the DPoP key that was proved for it. */
  readonly provenKey?: string | undefined;
  /** The policy that has accepted the token; absent for the module itself. */
  readonly policy?: string | undefined;
  /** Of the gateway. */
  readonly path: string;
  readonly origin: string;
  /** Of the client that asked for it. */
  readonly certificateThumbprint?: string | undefined;
}

interface Sealed extends TicketContent {
  /** Milliseconds since the epoch. */
  readonly until: number;
}

/** 256 bits, base64url. */
const TICKET = /^[\w-]{43}$/;
/** Milliseconds that a request waits at most, whatever the store itself allows. */
const LONGEST_WAIT_MS = 5_000;

/**
 * Tickets that are good once. A store has their contents under a digest of the ticket, and encrypted with a key that is made
 * of the ticket: it knows neither ticket nor token.
 */
export class Tickets {
  private readonly store: WebSocketTicketStore;

  constructor(private readonly settings: WebSocketTicketSettings) {
    this.store = settings.store ?? new MemoryTicketStore();
  }

  /** Milliseconds. */
  get lifetime(): number {
    return this.settings.lifetime * 1000;
  }

  /** @throws OAuthError 503 when it cannot be kept */
  async issue(content: TicketContent): Promise<string> {
    const ticket = randomBytes(32).toString('base64url');
    const key = keyOf(ticket);
    const sealed: Sealed = { ...content, until: Date.now() + this.lifetime };
    const value = seal(JSON.stringify(sealed), secretOf(ticket), key);
    await this.ask(async (store) => store.put(key, value, Math.ceil(this.settings.lifetime)));
    return ticket;
  }

  /** What a ticket stands for: asked once, whatever becomes of it. @throws OAuthError */
  async redeem(ticket: string): Promise<TicketContent> {
    if (!TICKET.test(ticket)) throw invalidTicket('it has not the form of one');
    const key = keyOf(ticket);
    const value = await this.ask(async (store) => store.take(key));
    const content = typeof value === 'string' ? unsealed(value, ticket, key) : undefined;
    if (content === undefined || Date.now() >= content.until)
      throw invalidTicket('it is unknown, used, or has expired');
    return content;
  }

  private async ask<Answer>(act: (store: WebSocketTicketStore) => Promise<Answer>): Promise<Answer> {
    try {
      return await answerWithin(act(this.store), 'the store of tickets', LONGEST_WAIT_MS);
    } catch (cause) {
      throw outage('ticket_store_unavailable', { detail: messageOf(cause), cause });
    }
  }
}

export function invalidTicket(detail: string): OAuthError {
  return invalidToken('ticket_invalid', { detail });
}

function unsealed(value: string, ticket: string, key: string): Sealed | undefined {
  try {
    return JSON.parse(open(value, secretOf(ticket), key)) as Sealed;
  } catch {
    return undefined;
  }
}

function keyOf(ticket: string): string {
  return createHmac('sha256', ticket).update('key').digest('base64url');
}

function secretOf(ticket: string): Buffer {
  return createHmac('sha256', ticket).update('secret').digest();
}
