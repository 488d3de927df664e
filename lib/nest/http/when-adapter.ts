import type { HttpServer } from '@nestjs/common';
import type { HttpAdapterHost } from '@nestjs/core';

/** Calls this with the HTTP adapter of an app, as soon as it is known. An app of messages alone has none. */
export function whenAdapter(host: HttpAdapterHost, act: (adapter: HttpServer) => void): void {
  const found = (): void => {
    const adapter = host.httpAdapter as HttpServer | null | undefined;
    // An application context, and an app of messages alone, have none to speak of.
    if (adapter?.getInstance()) act(adapter);
  };
  // An app that a test makes gets its adapter later.
  if ((host.httpAdapter as HttpServer | null | undefined) !== undefined) found();
  else host.init$.subscribe(found);
}
