import { DemoClient } from './development/demo-client.js';
import { describeAnswer, outcomeOf } from './development/demo-outcome.js';
import type { Step } from './development/demo-step.js';
import { demoSteps } from './development/demo-steps.js';
import { interruption } from './development/interruption.js';
import { freePorts, listeningHost, portsFromEnvironment } from './development/ports.js';
import { runProgram } from './development/problem.js';
import { type Servers, startServers } from './development/servers.js';
import { Table, wrap } from './development/table.js';
import { bold, dim, green, isTerminal, red } from './development/terminal.js';

// `npm run demo`: starts both servers, walks through the flow as a client and shows what came of it.

const COLUMNS = [
  { title: '', width: 1 },
  { title: 'Tried', share: 2 },
  { title: 'Expected', width: 'insufficient_scope'.length },
  { title: 'Came', width: 'error="insufficient_scope",'.length },
];
const WHY = { title: 'Why it matters', share: 3 };

/** From this width on, the reasons have a column; below, each has a line of its own. */
const WIDE = 100;
const INDENT = '   ';

/** The exit code of programs ended by SIGINT. */
const INTERRUPTED = 130;

await runProgram(async () => {
  const interrupted = interruption();
  const printed: string[] = [];
  const onLine = (server: string, line: string): number => printed.push(`${server}: ${line}`);
  let servers: Servers | undefined;
  try {
    const ports = portsFromEnvironment(await freePorts(listeningHost()));
    servers = await startServers(ports, onLine, interrupted);
    if (servers === undefined) return INTERRUPTED;
    const failures = await walkThrough(servers, interrupted);
    if (failures === 0) return 0;
    console.error(['The servers printed:', ...printed].join('\n'));
    return 1;
  } catch (error) {
    if (interrupted.aborted) return INTERRUPTED;
    if (printed.length > 0) console.error(printed.join('\n'));
    throw error;
  } finally {
    await servers?.stop();
  }
});

/** @returns how many steps came out other than expected */
async function walkThrough(servers: Servers, interrupted: AbortSignal): Promise<number> {
  const width = tableWidth();
  const table = new Table(width < WIDE ? COLUMNS : [...COLUMNS, WHY], width);
  console.log(title(servers));
  console.log(table.header(bold));
  const steps = await demoSteps({
    client: new DemoClient(servers),
    stopAuthorizationServer: () => servers.authorizationServer.stop(),
    waiting: showWaiting,
    interrupted,
  });

  let failures = 0;
  for (const step of steps) {
    interrupted.throwIfAborted();
    const result = await perform(step);
    interrupted.throwIfAborted();
    clearWaiting();
    if (step.section !== undefined) console.log(`\n${bold(step.section)}`);
    console.log(tableRow(table, step, result));
    if (!result.asExpected) failures += 1;
  }
  console.log(summary(steps.length, failures));
  return failures;
}

interface Result {
  readonly asExpected: boolean;
  readonly came: string;
}

async function perform(step: Step): Promise<Result> {
  try {
    const answer = await step.run();
    const bodyIsRight = step.body === undefined || step.body(JSON.parse(answer.body));
    return {
      asExpected: outcomeOf(answer) === step.expected && bodyIsRight,
      came: bodyIsRight ? describeAnswer(answer) : `${describeAnswer(answer)} ${answer.body}`,
    };
  } catch (error) {
    return { asExpected: false, came: String(error) };
  }
}

function tableRow(table: Table, { tried, expected, why }: Step, { asExpected, came }: Result): string {
  const verdict = asExpected ? green : red;
  const cells = [
    { text: asExpected ? '✓' : '✗', paint: verdict },
    { text: tried },
    { text: expected },
    { text: came, paint: verdict },
  ];
  if (table.width >= WIDE) return table.row([...cells, { text: why, paint: dim }]);
  const reason = wrap(why, table.width - INDENT.length).map((line) => dim(`${INDENT}${line}`));
  return [table.row(cells), ...reason].join('\n');
}

function title({ issuer, apiUrl }: Servers): string {
  return [
    '',
    bold('What an access token is worth that is bound to a key (RFC 8705, RFC 9449)'),
    dim(`authorization server ${issuer}, API ${apiUrl}`),
    '',
  ].join('\n');
}

function summary(steps: number, failures: number): string {
  return failures === 0
    ? `\n${green(`✓ All ${steps} came out as expected.`)}\n`
    : `\n${red(`✗ ${failures} of ${steps} came out other than expected.`)}\n`;
}

function tableWidth(): number {
  return Math.min(Math.max(process.stdout.columns ?? 120, 70), 140);
}

function showWaiting(reason: string): void {
  if (isTerminal) process.stdout.write(dim(`… ${reason}`));
}

function clearWaiting(): void {
  if (isTerminal) process.stdout.write('\r\x1b[K');
}
