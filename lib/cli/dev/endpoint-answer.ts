/** What an endpoint answers. */
export interface EndpointAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** A refusal of OAuth (RFC 6749 §5.2). */
export class EndpointRefusal extends Error {
  override readonly name = 'EndpointRefusal';
  constructor(
    readonly status: number,
    readonly code: string,
    description: string,
  ) {
    super(description);
  }
}

/** JSON that is not to be kept by anybody. */
export function jsonAnswer(status: number, body: unknown): EndpointAnswer {
  return {
    status,
    headers: { 'content-type': 'application/json', 'cache-control': 'no-store' },
    body: JSON.stringify(body),
  };
}

export function refusalAnswer({ status, code, message }: EndpointRefusal): EndpointAnswer {
  return jsonAnswer(status, { error: code, error_description: message });
}
