import type Dockerode from 'dockerode';
import { ask } from './engine-answers.ts';
import { toEngineError } from './engine-errors.ts';
import { EngineError } from './runtime.ts';

/** What shells say of a command that isn't there. */
const NOT_FOUND = 127;

/** Runs a command in a container and waits for its end. @returns its exit code. @throws EngineError, `not_found` where the container
 *  doesn't run. */
export async function runInside(container: Dockerode.Container, command: readonly string[], signal: AbortSignal): Promise<number> {
  try {
    const exec = await ask((abortSignal) => container.exec({ Cmd: [...command], AttachStdout: true, AttachStderr: true, abortSignal }));
    const output = await exec.start({ abortSignal: signal });
    // Read and dropped: the engine ends the stream with the command, and waits for whoever doesn't read.
    for await (const _ of output);
    if (signal.aborted) throw new EngineError('engine_unreachable', true, 'nobody waits for the command any more');
    const { ExitCode } = await ask((abortSignal) => exec.inspect({ abortSignal }));
    if (ExitCode === null) throw new EngineError('not_found', true, 'the container ended before the command');
    return ExitCode;
  } catch (error) {
    return explained(toEngineError(error));
  }
}

/** The engine tells by words alone that a container doesn't run, or that there is no such command in it. */
function explained(error: EngineError): number {
  if (/is not running|is paused/i.test(error.message)) throw new EngineError('not_found', true, error.message, { cause: error });
  if (/executable file not found|no such file or directory|permission denied/i.test(error.message)) return NOT_FOUND;
  throw error;
}
