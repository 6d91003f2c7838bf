/** Ends at once when it is told to, and costs nothing while it runs. */
export const COMMAND = ['/bin/sh', '-c', 'trap "exit 0" TERM; sleep 100000 & wait'];
/** What each container is promised and held to: a limit that does not slow down its start. */
export const RESOURCES = { request: { cpu_millis: 20, memory_bytes: 16 << 20 }, limit: { cpu_millis: 1000, memory_bytes: 64 << 20 } };
