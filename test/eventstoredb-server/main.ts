/** The server as a process: `node main.ts <file> [port]`. It prints one line, `{"port": …}`, once it listens; a line on its
 *  standard input is a switch: `cut`, `delay <ms>`, `lead <port>` (another member is the leader), or an `AppendFault`. It may be
 *  killed and started again on the same file and port. Node needs `--conditions=source --experimental-transform-types`. */
import { createInterface } from 'node:readline';
import type { AppendFault } from './faults.ts';
import { ProtocolServer } from './server.ts';

const [, , file, port = '0'] = process.argv;
if (!file) throw new Error('usage: main.ts <file> [port]');
const server = await ProtocolServer.start({ file, port: Number(port) });

createInterface({ input: process.stdin }).on('line', (line) => {
  const [word, value] = line.trim().split(' ');
  if (line.trim() === 'cut') server.cut();
  else if (word === 'delay') server.faults.delayMs = Number(value);
  else if (word === 'lead') server.faults.leader = { host: '127.0.0.1', port: Number(value) };
  else server.faults.next(line.trim() as AppendFault);
});
process.on('SIGTERM', () => void server.stop().then(() => process.exit(0)));
console.log(JSON.stringify({ port: server.port }));
