import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import fastify from 'fastify';

/** What it answers to every request. */
export interface CannedAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** A process with nothing but Fastify, which reads each request's body and answers the same bytes every time. */
export class BareFastify {
  private constructor(
    private readonly child: ChildProcess,
    readonly url: string,
  ) {}

  static async start(answer: CannedAnswer): Promise<BareFastify> {
    const flags = ['--experimental-transform-types', '--disable-warning=ExperimentalWarning'];
    const child = spawn(process.execPath, [...flags, fileURLToPath(import.meta.url), JSON.stringify(answer)], { stdio: ['ignore', 'pipe', 'inherit'] });
    const [line] = await once(child.stdout!, 'data');
    return new BareFastify(child, String(line).trim());
  }

  async stop(): Promise<void> {
    const ended = once(this.child, 'exit');
    this.child.kill();
    await ended;
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { status, headers, body } = JSON.parse(process.argv[2]!) as CannedAnswer;
  const app = fastify();
  for (const method of ['GET', 'POST'] as const) app.route({ method, url: '/*', handler: (_, reply) => reply.code(status).headers(headers).send(body) });
  console.log(await app.listen({ host: '127.0.0.1', port: 0 }));
}
