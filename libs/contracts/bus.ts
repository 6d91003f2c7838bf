/** Requests and hints between processes. Implemented over NATS in `messaging`, in memory in `testing`. JSON payloads. */
export interface Bus {
  /** Fire and forget: dropped when not connected. */
  publish(subject: string, payload: unknown): void;
  /** @throws Transient `bus.no_responder`, `bus.timeout`, `bus.disconnected`: whether it was carried out is unknown. */
  request<Reply>(subject: string, payload: unknown, timeoutMs: number): Promise<Reply>;
  /** Hears every message, or with `queue` shares them with the other members of that group. What the handler returns is the answer.
   *  @returns a function that ends it. */
  subscribe<Payload>(subject: string, handler: (payload: Payload, subject: string) => unknown | Promise<unknown>, options?: { queue?: string }): () => void;
  /** Calls back at each (re)connect. @returns a function that ends it. */
  onConnect(callback: () => void): () => void;
  readonly connected: boolean;
}
