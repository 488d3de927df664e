import { hash } from 'node:crypto';
import type { EndpointAnswer } from './endpoint-answer.js';

/** What a token that is minted by hand can be bound to. */
export const BINDINGS = ['client1', 'client2', 'thumbprint', 'none'] as const;
export type MintBinding = (typeof BINDINGS)[number];

/** What the page shows beside its form. */
export interface MintPage {
  readonly audiences: readonly string[];
  /** A token that was just minted. */
  readonly token?: string;
  /** What was wrong with the form. */
  readonly fault?: string;
}

const STYLE = `
body { font: 16px/1.5 system-ui, sans-serif; max-width: 44rem; margin: 2rem auto; padding: 0 1rem; }
label { display: block; margin: .75rem 0; }
input, select, textarea { display: block; width: 100%; box-sizing: border-box; font: inherit; padding: .3rem; }
textarea { font: 13px/1.4 ui-monospace, monospace; }
`;

/** No script, nothing from elsewhere, no frame around it, and its form goes nowhere else. */
const CONTENT_SECURITY_POLICY = [
  "default-src 'none'",
  `style-src 'sha256-${hash('sha256', STYLE, 'base64')}'`,
  "form-action 'self'",
  "frame-ancestors 'none'",
  "base-uri 'none'",
].join('; ');

const LABELS: Readonly<Record<MintBinding, string>> = {
  client1: 'the certificate client1.crt',
  client2: 'the certificate client2.crt',
  thumbprint: 'the thumbprint below',
  none: 'nothing: the API is to refuse it',
};

/** The page on which a person mints a token. */
export function mintPage(page: MintPage, status = 200): EndpointAnswer {
  return {
    status,
    headers: {
      'content-type': 'text/html; charset=utf-8',
      'content-security-policy': CONTENT_SECURITY_POLICY,
      'x-content-type-options': 'nosniff',
      'referrer-policy': 'same-origin',
      'cache-control': 'no-store',
    },
    body: html(page),
  };
}

function html({ audiences, token, fault }: MintPage): string {
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<title>Mint a token</title>
<style>${STYLE}</style>
<h1>Mint a token</h1>
<p>For development only. Whoever can open this page can mint any token that your API takes in development.</p>
${fault === undefined ? '' : `<p role="alert"><strong>${escaped(fault)}</strong></p>`}
${token === undefined ? '' : `<label>Token <textarea rows="8" readonly>${escaped(token)}</textarea></label>`}
<form method="post" action="/mint">
<label>Audience <select name="audience">${options(audiences)}</select></label>
<label>Scopes <input name="scope" placeholder="payments:read payments:write"></label>
<label>Subject <input name="subject" value="user-1"></label>
<label>Client <input name="client_id" value="client1"></label>
<label>Bound to <select name="binding">${BINDINGS.map((name) => option(name, LABELS[name])).join('')}</select></label>
<label>Thumbprint, of a certificate (x5t#S256) or of a key of DPoP (jkt) <input name="thumbprint"></label>
<label>Which of them <select name="method">${options(['x5t#S256', 'jkt'])}</select></label>
<label>Format <select name="format">${options(['jwt', 'opaque'])}</select></label>
<label>Seconds until it expires <input name="lifetime" type="number" min="-3600" max="86400" value="3600"></label>
<button>Mint</button>
</form>
</html>
`;
}

function options(values: readonly string[]): string {
  return values.map((value) => option(value, value)).join('');
}

function option(value: string, label: string): string {
  return `<option value="${escaped(value)}">${escaped(label)}</option>`;
}

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

function escaped(text: string): string {
  return text.replaceAll(/[&<>"']/g, (character) => ENTITIES[character] ?? '');
}
