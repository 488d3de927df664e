import { expect, test } from 'vitest';
import { requireInterceptors } from '../../lib/nest/microservices/grpc-package.js';

const serverOf = (
  injector: unknown,
): { stopped: boolean; createConnectionInjector: unknown; forceShutdown(): void } => ({
  stopped: false,
  createConnectionInjector: injector,
  forceShutdown() {
    this.stopped = true;
  },
});

test('a server of a @grpc/grpc-js without interceptors is ended, and the boot stops with the least version', () => {
  const server = serverOf(undefined);
  expect(() => requireInterceptors(server)).toThrow('from 1.11.0 on');
  expect(server.stopped).toBe(true);
});

test('a server of a @grpc/grpc-js with interceptors is left as it is', () => {
  const server = serverOf(() => undefined);
  requireInterceptors(server);
  expect(server.stopped).toBe(false);
});
