/** What is looked at, in the order of a report: stable names. */
export const LOOKS = [
  'server_tls',
  'metadata',
  'keys',
  'token_binding',
  'clock',
  'introspection',
  'introspection_tls',
  'introspection_audience',
  'api_tls',
  'client_certificate',
  'certificate_request',
  'api_clock',
  'challenge',
  'resource_metadata',
  'public_url',
  'token',
  'stolen_token',
  'dpop',
  'forged_header',
  'backend',
  'redis',
] as const;

/** What is looked at. */
export type Look = (typeof LOOKS)[number];

/** What one look has seen. */
export interface Seen {
  /** `problem`: something does not work, or is not safe. `note`: worth knowing. `not-checked`: `found` says why. */
  readonly result: 'ok' | 'problem' | 'note' | 'not-checked';
  /** For people. */
  readonly found: string;
  /** What to do about it. */
  readonly remedy?: string;
}

/** What was looked at, and what was found. No text of it holds a token, a proof or a secret. */
export interface Finding extends Seen {
  /** An issuer, a URL, or a file. */
  readonly subject: string;
  readonly look: Look;
}

/** All that was found. */
export interface Report {
  /** `problems` where there is at least one. */
  readonly outcome: 'fine' | 'problems';
  readonly findings: readonly Finding[];
}

export function ok(found: string): Seen {
  return { result: 'ok', found };
}

export function problem(found: string, remedy: string): Seen {
  return { result: 'problem', found, remedy };
}

export function note(found: string, remedy?: string): Seen {
  return { result: 'note', found, ...(remedy === undefined ? {} : { remedy }) };
}

export function notChecked(why: string): Seen {
  return { result: 'not-checked', found: why };
}
