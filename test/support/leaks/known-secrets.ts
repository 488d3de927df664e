/** Characters that a part of a token is known by: so one that is cut, as the log cuts values, is known as well. */
const KNOWN_BY = 24;
/** Shorter ones could be words. */
const SHORTEST_SECRET = 8;

/** What the test kit and oidc-provider issue: unguessable, and of a shape of its own. */
const OPAQUE_TOKEN = /opaque-[\da-f]{8}-[\da-f]{4}-/;
const PRIVATE_KEY = /-----BEGIN [A-Z ]*PRIVATE KEY-----/;

/** The tokens, proofs and secrets that have been about, and what of them a text holds. */
export class KnownSecrets {
  private readonly beginnings = new Set<string>();
  private readonly secrets = new Set<string>();

  /** A token or a proof: of a JWT, claims and signature; of another one, all of it. */
  addToken(token: string): void {
    for (const part of secretPartsOf(token)) this.beginnings.add(part.slice(0, KNOWN_BY));
  }

  /** A client's secret. */
  addSecret(secret: string): void {
    if (secret.length >= SHORTEST_SECRET) this.secrets.add(secret);
  }

  /** What is secret in a text, by kind. */
  findIn(text: string): readonly string[] {
    return [
      ...(this.hasToken(text) ? ['a token or a proof'] : []),
      ...(OPAQUE_TOKEN.test(text) ? ['an opaque token'] : []),
      ...(PRIVATE_KEY.test(text) ? ['a private key'] : []),
      ...([...this.secrets].some((secret) => text.includes(secret)) ? ['the secret of a client'] : []),
    ];
  }

  private hasToken(text: string): boolean {
    const parts = text.match(/[\w-]{24,}/g) ?? [];
    return parts.some((part) => this.beginnings.has(part.slice(0, KNOWN_BY)));
  }
}

/** The header of a JWT is the same in many, and says nothing; so does what is short. */
function secretPartsOf(token: string): readonly string[] {
  const [header = '', ...rest] = token.split('.');
  const parts = rest.length > 0 && header.startsWith('eyJ') ? rest : [header, ...rest];
  return parts.flatMap((part) => part.match(/[\w-]{24,}/g) ?? []);
}
