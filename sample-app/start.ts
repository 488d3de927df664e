import type { ChildServer } from './development/child-server.js';
import { instructions } from './development/instructions.js';
import { interruption } from './development/interruption.js';
import { portsFromEnvironment } from './development/ports.js';
import { Problem, runProgram } from './development/problem.js';
import { startServers } from './development/servers.js';
import { cyan } from './development/terminal.js';

// `npm start`: the authorization server and the API, until Ctrl-C.

await runProgram(async () => {
  const interrupted = interruption();
  const ports = portsFromEnvironment({ authorizationServer: 9443, api: 8443 });
  const servers = await startServers(ports, printLine, interrupted);
  if (servers === undefined) return 0;
  console.log(instructions(servers));

  const death = await Promise.race([
    aborted(interrupted),
    endOf(servers.authorizationServer),
    endOf(servers.api),
  ]);
  await servers.stop();
  if (interrupted.aborted || death === undefined) return 0;
  throw new Problem(death);
});

function printLine(server: string, line: string): void {
  console.log(`${cyan(server.padEnd(20))} | ${line}`);
}

async function aborted(signal: AbortSignal): Promise<undefined> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve(undefined);
    signal.addEventListener('abort', () => resolve(undefined), { once: true });
  });
}

async function endOf(server: ChildServer): Promise<string> {
  const how = await server.ended;
  return `The ${server.name} ended (${how}), so the other server was stopped.`;
}
