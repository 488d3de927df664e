/** What is known of the tokens of an authorization server by its issuer alone: for hints in the log, never for a decision. */
export interface KnownIssuer {
  /** The preset of this package that is made for it. */
  readonly preset: string;
  /** Why a token of it may have no `aud`. */
  readonly audienceHint?: string;
  /** Why the server may call every token inactive. */
  readonly inactiveHint?: string;
}

const KNOWN: readonly (readonly [issuer: RegExp, known: KnownIssuer])[] = [
  [
    /\/realms\/[^/]+\/?$/,
    {
      preset: 'forKeycloak',
      inactiveHint: 'Keycloak says so of every token whose aud does not name the client that asks',
    },
  ],
  [
    /^https:\/\/(?:login\.microsoftonline\.(?:com|us)|login\.partner\.microsoftonline\.cn|sts\.windows\.net)\//,
    { preset: 'forEntraId' },
  ],
  [/^https:\/\/[\w.-]+\.auth0\.com\//, { preset: 'forAuth0' }],
  [/^https:\/\/[\w.-]+\.(?:okta|oktapreview|okta-emea)\.com(?:\/|$)/, { preset: 'forOkta' }],
  [
    /^https:\/\/cognito-idp\.[\w-]+\.amazonaws\.com(?:\.cn)?\//,
    {
      preset: 'forCognito',
      audienceHint:
        'access tokens of Cognito have one only where the client asks for this API as its resource',
    },
  ],
  [/^https:\/\/auth\.pingone\.[a-z.]+\//, { preset: 'forPingOne' }],
  [/^https:\/\/[\w.-]+\.forgeblocks\.com(?:[:/]|$)|\/am\/oauth2(?:\/|$)/, { preset: 'forForgeRock' }],
];

/** @returns `undefined` where the issuer tells nothing: of most servers it is any URL of their operator */
export function knownIssuer(issuer: string): KnownIssuer | undefined {
  return KNOWN.find(([pattern]) => pattern.test(issuer))?.[1];
}
