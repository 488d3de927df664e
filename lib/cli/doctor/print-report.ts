import type { Finding, Report } from '../../doctor/finding.js';

const MARKS = { ok: 'ok', problem: 'PROBLEM', note: 'note', 'not-checked': '-' } as const;

/** A report for people: what was looked at, what was found, and what to do about it. */
export function printReport({ outcome, findings }: Report): string {
  const subjects = [...new Set(findings.map(({ subject }) => subject))];
  const problems = findings.filter(({ result }) => result === 'problem').length;
  return [
    ...subjects.flatMap((subject) => [
      subject,
      ...findings.filter((finding) => finding.subject === subject).flatMap((finding) => linesOf(finding)),
      '',
    ]),
    outcome === 'fine' ? 'no problem was found.' : `${problems} ${problems === 1 ? 'problem' : 'problems'}.`,
  ].join('\n');
}

function linesOf({ look, result, found, remedy }: Finding): readonly string[] {
  const head = `  ${MARKS[result].padEnd(7)}  ${look.padEnd(22)}  ${found}`;
  return remedy === undefined ? [head] : [head, `           to do  ${remedy}`];
}
