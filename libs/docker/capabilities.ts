/** Every capability is dropped first; nothing below this line widens what a container may do. */
export const DROPPED_CAPABILITIES = ['ALL'] as const;

/** What is given back: the part of Docker's default set (https://docs.docker.com/engine/security/#linux-kernel-capabilities)
 *  that the usual root entrypoint needs before it steps down to its own user: own its files, change user, listen, signal.
 *
 *  Of the default set these stay dropped:
 *  `NET_RAW` (forged packets in a network that is shared), `MKNOD` (device files), `SYS_CHROOT`, `SETPCAP`, `SETFCAP` and
 *  `FSETID` (hand capabilities or set-id bits to files; no-new-privileges makes them void anyway), `AUDIT_WRITE` (kernel log).
 *  `ping` still works: the engine opens `net.ipv4.ping_group_range` inside the container. */
export const ADDED_CAPABILITIES = ['CHOWN', 'DAC_OVERRIDE', 'FOWNER', 'KILL', 'NET_BIND_SERVICE', 'SETGID', 'SETUID'] as const;
