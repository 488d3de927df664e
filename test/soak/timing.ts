/**
 * The times of the soak, in milliseconds where nothing else is said.
 *
 * Why good tokens are never refused although a third of all fetches fail: faults are dealt from decks of six with two
 * faults in each, so at most four come in a row. A key set is fetched again after 2 s; four failures take at most
 * 4 × 1 s, and the pauses between them 0 + 0.1 + 0.2 + 0.4 s. So a set is 6.7 s old at most: less than the time that a
 * new key is published before it signs, and far less than `maxAge`, for machines that are busy.
 */
export const KEY_CACHE = { refreshAfter: 2, maxAge: 30 } as const;

/** Limits of a call to the authorization server: so long that only what is meant to fails. */
export const CALL_TIMEOUT = 5_000;

/** An authority that hangs says nothing for so long, and cuts the connection then. */
export const HANG = 1_000;

/** How long a new key is published before tokens are signed with it, as a careful authorization server does. */
export const LEAD = 12_000;

/** New keys come so often. */
export const ROTATION = 5_000;

/** Most keys published: at one every 5 s, a key stays for 33 s after its last signature, longer than `maxAge`. */
export const MOST_KEYS = 10;

/** Lifetime of a JWT. */
export const TOKEN_LIFETIME = 15_000;

/** Lifetime of a JWT that is to be seen expiring. */
export const BRIEF_LIFETIME = 2_000;

/** `clockTolerance`, in seconds. */
export const CLOCK_TOLERANCE = 1;

/** `cache` of introspection, in seconds. */
export const INTROSPECTION_CACHE = { ttl: 2, negativeTtl: 1, maxEntries: 200 } as const;

/** Lifetime of a DPoP proof, in seconds: short, so that the memory of used ones is full early. */
export const PROOF_LIFETIME = 10;

/** Between what the authority changes and what the API can know there is an answer under way. */
export const UNDER_WAY = 2_000;

/** Clients get new certificates so often, one client each time. */
export const RENEWAL = 1_500;

/** Opaque tokens are revoked so often. */
export const REVOCATION = 500;

/** The server's key and certificate are replaced so often. */
export const SERVER_CERTIFICATE = 7_000;

/** The CAs of clients are replaced so often; connections that are older then end. */
export const TRUST = 11_000;

/** By then new TLS material is in force: a second is promised, the rest is for machines that are busy. */
export const IN_FORCE = 10_000;
