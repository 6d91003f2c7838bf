import type { DockerServiceId } from '#domain';
import { commandIdOf } from '#platform';

/** The name of the command by which a service is rolled to a version of something that it follows: whoever asks whether that was ever tried looks for the same. */
export const followCommandId = (dockerServiceId: DockerServiceId, followedId: string, version: string): string => commandIdOf('follow', dockerServiceId, followedId, version);
