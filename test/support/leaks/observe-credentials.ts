import { webcrypto } from 'node:crypto';
import { subscribe } from 'node:diagnostics_channel';
import type { IncomingMessage } from 'node:http';
import type { KnownSecrets } from './known-secrets.js';

/**
 * Learns every credential of this process, whoever made it: what WebCrypto signs, what comes to a server, and what our own
 * calls to authorization servers carry. Nothing is imported for it: what a spec does not use costs it nothing.
 */
export function observeCredentials(secrets: KnownSecrets): void {
  observeSignatures(secrets);
  subscribe('http.server.request.start', (event) => {
    learnFromRequest((event as { readonly request: IncomingMessage }).request, secrets);
  });
  subscribe('undici:request:create', (event) => {
    learnFromForm((event as { readonly request: { readonly body?: unknown } }).request.body, secrets);
  });
}

/** WebCrypto signs all JWTs of the test kit, of jose and of the clients with DPoP. */
function observeSignatures(secrets: KnownSecrets): void {
  const { subtle } = webcrypto;
  const sign = subtle.sign.bind(subtle);
  subtle.sign = async (algorithm, key, data) => {
    const signature = await sign(algorithm, key, data);
    const input = Buffer.from(data as Uint8Array).toString('latin1');
    if (input.startsWith('eyJ')) {
      secrets.addToken(`${input}.${Buffer.from(signature).toString('base64url')}`);
    }
    return signature;
  };
}

function learnFromRequest({ rawHeaders }: IncomingMessage, secrets: KnownSecrets): void {
  for (let i = 0; i < rawHeaders.length; i += 2) {
    const [name = '', value = ''] = rawHeaders.slice(i, i + 2);
    if (name.toLowerCase() === 'authorization') learnFromAuthorization(value, secrets);
    if (name.toLowerCase() === 'dpop') secrets.addToken(value);
  }
}

function learnFromAuthorization(value: string, secrets: KnownSecrets): void {
  const [scheme = '', credentials = ''] = value.split(' ');
  if (/^(?:bearer|dpop)$/i.test(scheme)) secrets.addToken(credentials);
  if (!/^basic$/i.test(scheme)) return;
  const [, secret = ''] = Buffer.from(credentials, 'base64').toString().split(':');
  secrets.addSecret(secret);
  secrets.addToken(credentials);
}

/** A call to a token or an introspection endpoint. */
function learnFromForm(body: unknown, secrets: KnownSecrets): void {
  if (typeof body !== 'string' && !Buffer.isBuffer(body)) return;
  const form = new URLSearchParams(body.toString());
  for (const name of ['token', 'client_assertion']) secrets.addToken(form.get(name) ?? '');
  secrets.addSecret(form.get('client_secret') ?? '');
}
