/** How long the keys of who sends events are used, in seconds: for longer while they cannot be fetched, for events must not get lost. */
export const KEY_CACHE = { refreshAfter: undefined, maxAge: 600, staleIfError: 3_600 };
