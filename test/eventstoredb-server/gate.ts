import { connect, createServer, type Server, type Socket } from 'node:net';

/** A door in front of a server: whoever comes in through it can be thrown out at once, which gRPC's own server can't. */
export class Gate {
  private readonly sockets = new Set<Socket>();

  private constructor(
    private readonly server: Server,
    readonly port: number,
  ) {}

  /** @param port 0: any free one. @param behind the port that all bytes go to and come from */
  static async open(port: number, behind: () => number): Promise<Gate> {
    const server = createServer((socket) => gate.letThrough(socket, behind()));
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(port, '127.0.0.1', resolve);
    });
    const gate: Gate = new Gate(server, (server.address() as { port: number }).port);
    return gate;
  }

  /** Drops every connection; new ones are let in. */
  cut(): void {
    for (const socket of this.sockets) socket.destroy();
  }

  async close(): Promise<void> {
    const closed = new Promise((resolve) => this.server.close(resolve));
    this.cut();
    await closed;
  }

  private letThrough(socket: Socket, port: number): void {
    const inner = connect(port, '127.0.0.1');
    for (const [one, other] of [[socket, inner], [inner, socket]] as const) {
      this.sockets.add(one);
      one.setNoDelay(true);
      one.on('error', () => undefined);
      one.on('close', () => {
        this.sockets.delete(one);
        other.destroy();
      });
      one.pipe(other);
    }
  }
}
