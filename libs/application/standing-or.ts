/** What stands of a request that was sent before, whatever has become since of what it names; else what it comes to now. A try that is
 *  refused, or fails, looks once more: several tries of one request may be at work at once (a gateway that was frozen takes all of them up together), and
 *  where another one was let through meanwhile, that is the answer.
 *  @param standing null: nothing stands of it. @throws what `ask` throws, where nothing stands then either. */
export async function standingOr<T>(standing: () => Promise<T | null>, ask: () => Promise<T>): Promise<T> {
  const before = await standing();
  if (before !== null) return before;
  try {
    return await ask();
  } catch (error) {
    const meanwhile = await standing().catch(() => null);
    if (meanwhile !== null) return meanwhile;
    throw error;
  }
}
