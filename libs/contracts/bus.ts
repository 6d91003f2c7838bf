/** Requests and hints between processes. Implemented over NATS in `messaging`, in memory in `testing`. JSON payloads, of 1 MiB at
 *  most with NATS as it comes: a larger message or request is the sender's mistake and throws a RangeError, a larger answer is a
 *  `bus.remote_error`. */
export interface Bus {
  /** Fire and forget: dropped when not connected. */
  publish(subject: string, payload: unknown): void;
  /** @throws Transient `bus.no_responder`: nobody was there. `bus.timeout`, `bus.disconnected`, `bus.remote_error` (the handler
   *  failed): whether it was carried out is unknown. */
  request<Reply>(subject: string, payload: unknown, timeoutMs: number): Promise<Reply>;
  /** Hears every message, or with `queue` shares them with the other members of that group. What the handler returns is the answer.
   *  @returns a function that ends it. */
  subscribe<Payload>(subject: string, handler: (payload: Payload, subject: string) => unknown | Promise<unknown>, options?: { queue?: string }): () => void;
  /** Calls back at each (re)connect, and soon when connected already; what this side subscribed to is in force then. @returns a function that ends it. */
  onConnect(callback: () => void): () => void;
  readonly connected: boolean;
}
