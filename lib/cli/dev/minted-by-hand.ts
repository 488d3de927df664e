import type { X509Certificate } from 'node:crypto';
import { certificateThumbprint, isThumbprint } from '../../client-certificate/certificate-thumbprint.js';
import type { ClientName } from './development-folder.js';
import { LONGEST_LIFETIME, type TokenOrder } from './development-tokens.js';
import { EndpointRefusal } from './endpoint-answer.js';
import { BINDINGS, type MintBinding } from './mint-page.js';

/** Seconds in the past: a token that has expired is a thing to try as well. */
const EARLIEST = -3600;

/**
 * What the form of the page asks for.
 * @throws EndpointRefusal `invalid_request`
 */
export function orderOf(
  form: URLSearchParams,
  audiences: readonly string[],
  clients: Readonly<Record<ClientName, X509Certificate>>,
): TokenOrder {
  const audience = form.get('audience') ?? audiences[0];
  if (audience === undefined || !audiences.includes(audience)) throw invalid('there is no such audience');
  const scope = form.get('scope')?.trim();
  const lifetime = secondsIn(form.get('lifetime'));
  if (!(lifetime >= EARLIEST && lifetime <= LONGEST_LIFETIME)) {
    throw invalid(`the seconds are no whole number from ${EARLIEST} to ${LONGEST_LIFETIME}`);
  }
  return {
    audience,
    lifetime,
    clientId: form.get('client_id') || 'client1',
    subject: form.get('subject') || 'user-1',
    format: form.get('format') === 'opaque' ? 'opaque' : 'jwt',
    confirmation: confirmationOf(form, clients),
    ...(scope === undefined || scope === '' ? {} : { scope }),
  };
}

/** NaN for what is no whole number. */
function secondsIn(text: string | null): number {
  return /^-?\d{1,9}$/.test(text ?? '') ? Number(text) : Number.NaN;
}

function confirmationOf(
  form: URLSearchParams,
  clients: Readonly<Record<ClientName, X509Certificate>>,
): TokenOrder['confirmation'] {
  switch (bindingOf(form)) {
    case 'client1':
      return { 'x5t#S256': certificateThumbprint(clients.client1.raw) };
    case 'client2':
      return { 'x5t#S256': certificateThumbprint(clients.client2.raw) };
    case 'thumbprint': {
      const thumbprint = form.get('thumbprint')?.trim();
      if (!isThumbprint(thumbprint))
        throw invalid('the thumbprint is not SHA-256 in base64url: 43 characters');
      return { [form.get('method') === 'jkt' ? 'jkt' : 'x5t#S256']: thumbprint };
    }
    case 'none':
      return undefined;
  }
}

function bindingOf(form: URLSearchParams): MintBinding {
  const binding = BINDINGS.find((name) => name === form.get('binding'));
  if (binding === undefined) throw invalid('it is not said what binds the token');
  return binding;
}

function invalid(description: string): EndpointRefusal {
  return new EndpointRefusal(400, 'invalid_request', description);
}
