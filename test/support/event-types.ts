const EVENTS = 'https://schemas.openid.net/secevent';

/** The URI of an event type of CAEP, RISC or SSF itself. */
export const caep = (name: string): string => `${EVENTS}/caep/event-type/${name}`;
export const risc = (name: string): string => `${EVENTS}/risc/event-type/${name}`;
export const ssf = (name: string): string => `${EVENTS}/ssf/event-type/${name}`;
