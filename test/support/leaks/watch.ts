import { KnownSecrets } from './known-secrets.js';
import { observeCredentials } from './observe-credentials.js';
import { observeOutput } from './observe-output.js';

const leaks: string[] = [];

/** Watches from now on that no token, proof or secret leaves this process (invariant 6). */
export function watchForLeaks(): void {
  const secrets = new KnownSecrets();
  observeCredentials(secrets);
  observeOutput((text, where) => {
    const found = secrets.findIn(text);
    if (found.length > 0) leaks.push(`${where} has ${found.join(' and ')}: ${withoutSecrets(text)}`);
  });
}

/** The leaks since the last call. */
export function takeLeaks(): readonly string[] {
  return leaks.splice(0);
}

/** Shortens a text, so that the report is not itself a leak. */
function withoutSecrets(text: string): string {
  return text.slice(0, 500).replaceAll(/[\w.+/=-]{24,}/g, '…');
}
