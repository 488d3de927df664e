/** The API: a process of its own for each variant, of which the CPU time is measured. */
import 'reflect-metadata';
import type { Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { ServerSettings, ServerVariant } from '../servers/server-settings.js';
import { startAuth0 } from '../servers/start-auth0.js';
import { startExpress } from '../servers/start-express.js';
import { startEmptyGuard, startJwtVerifyGuard, startSignatureGuard } from '../servers/start-guarded.js';
import { startGateway } from '../servers/start-gateway.js';
import { startGrpc } from '../servers/start-grpc.js';
import { startHandWritten } from '../servers/start-hand-written.js';
import { startLibrary } from '../servers/start-library.js';
import { startOpenNest } from '../servers/start-open-nest.js';
import { startPassportJwt } from '../servers/start-passport-jwt.js';
import { answerQuestions, cpuMicros, readSettings } from './answer-questions.js';

/** Connections stay open from round to round, however long the others take. */
const IDLE_TIME_MS = 3_600_000;

const STARTS: Readonly<Record<ServerVariant, (settings: ServerSettings) => Promise<Server>>> = {
  nest: startOpenNest,
  'empty-guard': startEmptyGuard,
  'jwt-verify-guard': startJwtVerifyGuard,
  'signature-guard': startSignatureGuard,
  library: startLibrary,
  'hand-written': startHandWritten,
  express: startExpress,
  auth0: startAuth0,
  'passport-jwt': startPassportJwt,
};

async function start(): Promise<number> {
  const settings = readSettings() as ServerSettings;
  if (settings.entrance === 'ws') return startGateway(settings);
  if (settings.entrance === 'grpc') return startGrpc(settings);
  const server = await STARTS[settings.variant](settings);
  server.keepAliveTimeout = IDLE_TIME_MS;
  return (server.address() as AddressInfo).port;
}

const started = start();
// Asked for by `port`.
started.catch(() => undefined);

const handlers = {
  port: async (): Promise<number> => started,
  cpuMicros,
  /** @returns bytes in use outside and on the heap, after a collection; needs `--expose-gc` */
  usedMemory: (): number => {
    globalThis.gc?.();
    globalThis.gc?.();
    const { heapUsed, external } = process.memoryUsage();
    return heapUsed + external;
  },
};

export type ServerProtocol = typeof handlers;

answerQuestions(handlers);
