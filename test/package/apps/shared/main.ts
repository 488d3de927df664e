import 'reflect-metadata';
import type { INestApplication } from '@nestjs/common';
import type { AddressInfo } from 'node:net';
import { startApp } from './apps.js';
import { type ClientTls, openConnection, type OutgoingRequest } from './connections.js';
import { type Platform, PLATFORMS, type Protocol } from './platforms.js';
import { type Answer, type AppName, type Exchange, REQUEST_TABLE, type Row } from './request-table.js';
import { createWorld, type World } from './world.js';

/** Runs the table on one platform and prints the answers, as one line of JSON. */
async function main(platform: Platform): Promise<void> {
  const world = await createWorld();
  const apps = {
    forRoot: await startApp('forRoot', platform, world),
    forRootAsync: await startApp('forRootAsync', platform, world),
  };
  const answers: Record<string, Record<string, readonly Answer[]>> = {};
  for (const protocol of PLATFORMS[platform]) answers[protocol] = await runTable(apps, protocol, world);
  await Promise.all(Object.values(apps).map(async (app) => app.close()));
  await world.authorizationServer.stop();
  console.log(JSON.stringify({ node: process.version, platform, answers }));
}

async function runTable(
  apps: Readonly<Record<AppName, INestApplication>>,
  protocol: Protocol,
  world: World,
): Promise<Record<string, readonly Answer[]>> {
  const answers: Record<string, readonly Answer[]> = {};
  for (const row of REQUEST_TABLE) answers[row.name] = await runRow(row, apps[row.app], protocol, world);
  return answers;
}

async function runRow(
  { client, exchanges }: Row,
  app: INestApplication,
  protocol: Protocol,
  world: World,
): Promise<readonly Answer[]> {
  const server = app.getHttpServer() as { address(): AddressInfo };
  const url = `https://127.0.0.1:${server.address().port}`;
  const connection = await openConnection(protocol, url, tlsOf(client, world));
  const answers = await connection.send(exchanges.map((exchange) => outgoing(exchange, world)));
  await connection.close();
  return answers;
}

function tlsOf(client: Row['client'], { ca, clients }: World): ClientTls {
  const certificate = clients[client];
  return { ca: ca.cert, ...(certificate && { key: certificate.key, cert: certificate.cert }) };
}

function outgoing({ method = 'GET', path, token, headers }: Exchange, { tokens }: World): OutgoingRequest {
  const request = { method, path, headers: { ...headers } };
  return token === undefined ? request : authorized(request, tokens[token]);
}

function authorized(request: OutgoingRequest, token: string): OutgoingRequest {
  return { ...request, headers: { ...request.headers, authorization: `Bearer ${token}` } };
}

main(process.argv[2] as Platform).catch((error: unknown) => {
  console.error(error);
  process.exitCode = 1;
});
