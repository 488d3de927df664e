import { EXPORTED } from '../../explain/fitting-presets.js';
import type { ExplainedStep, Explanation, FittingPresets } from '../../explain/explanation.js';

const MARKS = { passed: 'ok', failed: 'FAILED', 'not-checked': '-' } as const;

/** An explanation for people: the outcome, a line for each check, and what to do about those that failed. */
export function printExplanation(explanation: Explanation, name: string): string {
  const { steps, presets } = explanation;
  return [
    outcomeOf(explanation, name),
    '',
    ...steps.flatMap((step) => linesOf(step)),
    ...(presets === undefined || !needsPreset(steps) ? [] : ['', presetsOf(presets)]),
  ].join('\n');
}

function outcomeOf({ outcome, reason, status, error, notChecked }: Explanation, name: string): string {
  const unchecked = notChecked.length === 0 ? '' : ` Not checked: ${notChecked.join(', ')}.`;
  if (outcome === 'accepted') return `accepted, by ${name}.${unchecked}`;
  const told = [status, error].filter((part) => part !== undefined).join(' ');
  return `${outcome}, by ${name}: ${reason}; the caller is told ${told}.${unchecked}`;
}

function linesOf({ check, result, expected, found, reason, remedy }: ExplainedStep): readonly string[] {
  const head = `  ${MARKS[result].padEnd(6)}  ${check.padEnd(22)}`;
  if (result === 'not-checked') return [`${head}  ${found}`];
  if (result === 'passed') return [`${head}  ${found}`];
  return [
    `${head}  ${reason}`,
    `          expected  ${expected}`,
    `          found     ${found}`,
    `          to do     ${remedy ?? 'see docs/reasons.md'}`,
  ];
}

/** Only where a preset could help. */
function needsPreset(steps: readonly ExplainedStep[]): boolean {
  return steps.some(
    ({ check, result }) => result === 'failed' && ['type', 'claims', 'kind', 'token_form'].includes(check),
  );
}

function presetsOf({ fitting, likely }: FittingPresets): string {
  if (fitting.length === 0) return 'no preset accepts its header and claims.';
  if (likely !== undefined) return `the preset that fits: ${likely}(), in a file ${inFile(likely)}.`;
  return `presets that accept its header and claims: ${fitting.map((each) => `${each}()`).join(', ')}.`;
}

function inFile(exported: string): string {
  const [name] = Object.entries(EXPORTED).find(([, each]) => each === exported) ?? [];
  return `preset: ${name}`;
}
