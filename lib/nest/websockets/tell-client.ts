/** The event by which clients are told of errors, as Nest does. */
const EXCEPTION_EVENT = 'exception';

/** `WebSocket.OPEN`. */
const OPEN = 1;

/** What is used of a client of `ws`. */
interface RawClient {
  readonly readyState: number;
  send(text: string): void;
}

/** What is used of a client of socket.io. */
interface EmittingClient {
  emit(event: string, payload: object): unknown;
}

/** Tells a client of an error: Nest 11 tells clients of `ws` nothing. */
export function tellClient(client: object, payload: object): void {
  if (isRaw(client)) {
    if (client.readyState === OPEN) client.send(JSON.stringify({ event: EXCEPTION_EVENT, data: payload }));
  } else (client as Partial<EmittingClient>).emit?.(EXCEPTION_EVENT, payload);
}

function isRaw(client: object): client is RawClient {
  const { readyState, send } = client as Partial<RawClient>;
  return typeof readyState === 'number' && typeof send === 'function';
}
