import { messageOf } from '../common/message-of.js';
import { Misuse } from './misuse.js';
import { ConfigurationFault } from './serve-config.js';
import type { Surroundings } from './surroundings.js';

/**
 * Runs a command that takes options, and says why where it is misused.
 * @param act gets the arguments, in which `--help` stands for `-h`
 * @returns the exit code: that of the command; 2 where it is misused, or a file is wrong
 */
export async function exitCodeOf(
  args: readonly string[],
  { complain }: Surroundings,
  act: (args: readonly string[]) => Promise<number>,
): Promise<number> {
  try {
    return await act(args.map((arg) => (arg === '-h' ? '--help' : arg)));
  } catch (error) {
    const isOurs = error instanceof Misuse || error instanceof ConfigurationFault;
    complain(isOurs ? error.message : `error: ${messageOf(error)}`);
    return 2;
  }
}
