import { readFileSync } from 'node:fs';

/** https://man7.org/linux/man-pages/man5/proc_pid_stat.5.html: the kernel counts in hundredths of a second for user space. */
const TICKS_PER_SECOND = 100;

/** Processor time of a process so far, all its threads, in seconds. */
export function cpuSeconds(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').replace(/^.*\) /s, '').split(' ');
  return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND;
}

/** What of its memory is resident, in MiB: pages that it shares with others (the file of Node itself) counted whole. */
export const residentMiB = (pid: number): number => kibibytes(`/proc/${pid}/status`, 'VmRSS') / 1024;

/** The same, with each shared page counted by its share. */
export const proportionalMiB = (pid: number): number => kibibytes(`/proc/${pid}/smaps_rollup`, 'Pss') / 1024;

const kibibytes = (file: string, field: string): number => Number(new RegExp(`^${field}:\\s+(\\d+) kB`, 'm').exec(readFileSync(file, 'utf8'))![1]);
