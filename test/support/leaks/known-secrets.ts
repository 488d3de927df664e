/** So many characters identify a part of a token. The log cuts long values, and a cut part must be found too. */
const KNOWN_BY = 24;
/** A shorter secret could be an ordinary word. */
const SHORTEST_SECRET = 8;

/** The opaque tokens of the test kit and of oidc-provider, which have a shape that nothing else has. */
const OPAQUE_TOKEN = /opaque-[\da-f]{8}-[\da-f]{4}-/;
const PRIVATE_KEY = /-----BEGIN [A-Z ]*PRIVATE KEY-----/;

/** Remembers the tokens, proofs and secrets that the process has met, and finds them in a text. */
export class KnownSecrets {
  private readonly beginnings = new Set<string>();
  private readonly secrets = new Set<string>();

  /** Remembers a token or a proof: the claims and the signature of a JWT, the whole of any other token. */
  addToken(token: string): void {
    for (const part of secretPartsOf(token)) this.beginnings.add(part.slice(0, KNOWN_BY));
  }

  /** Remembers the secret of a client. */
  addSecret(secret: string): void {
    if (secret.length >= SHORTEST_SECRET) this.secrets.add(secret);
  }

  /** Names the kinds of secrets that a text holds. */
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

/** Leaves out the header of a JWT, which many tokens share, and parts that are too short to identify anything. */
function secretPartsOf(token: string): readonly string[] {
  const [header = '', ...rest] = token.split('.');
  const parts = rest.length > 0 && header.startsWith('eyJ') ? rest : [header, ...rest];
  return parts.flatMap((part) => part.match(/[\w-]{24,}/g) ?? []);
}
