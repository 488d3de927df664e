/** Something that the person at the terminal can put right: shown as one line, without a stack trace. */
export class Problem extends Error {
  override readonly name = 'Problem';
}

/** The `code` of a system error: `EADDRINUSE`, `EACCES`, … */
export function errorCode(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error ? String(error.code) : undefined;
}

/** Runs a program to its end; a failure is shown, and is its exit code. */
export async function runProgram(program: () => Promise<number>): Promise<void> {
  try {
    process.exitCode = await program();
  } catch (error) {
    console.error(error instanceof Problem ? error.message : error);
    process.exitCode = 1;
  }
}
