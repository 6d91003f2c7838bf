import { readConfig, systemClock } from '#platform';
import { rotateKey } from '#secrets';

/** `npm run rotate-key`: a new key at WAYBILL_KEY_FILE, by which the data key of every secret and config is wrapped anew; the platform may run meanwhile.
 *  Where gateways and schedulers are on several machines run it where one of them is, then copy the file to each of the others at once: until it is there they can't
 *  open what was wrapped anew, and replicas that need it wait, with that reason. */
try {
  const { valueStoreUrl, keyFile } = readConfig(process.env);
  const { kek, rewrapped, dropped } = await rotateKey({ url: valueStoreUrl, keyFile, clock: systemClock });
  console.log(`${kek} is the key now; ${rewrapped} data keys were wrapped anew${dropped.length > 0 ? `; ${dropped.join(', ')} went out of the file` : ''}. Keep a copy of ${keyFile} apart from that of the store.`);
} catch (error) {
  console.error((error as Error).message);
  process.exitCode = 1;
}
