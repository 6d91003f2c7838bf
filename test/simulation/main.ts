import { run } from './run.ts';
const [from, to, steps, weakness] = [Number(process.argv[2] ?? 1), Number(process.argv[3] ?? 1), Number(process.argv[4] ?? 300), process.argv[5] ?? 'none'];
const tell = process.argv[6] ? (line: string) => console.log(line) : undefined;
const began = performance.now();
for (let seed = from; seed <= to; seed += 1) {
  const t = performance.now();
  const o = await run({ seed, steps, weakness: weakness as never, tell });
  console.log(seed, o.breach ? JSON.stringify(o.breach).slice(0, 300) : 'ok', o.brokeAt, o.trace, o.events, Math.round(o.virtualMs / 1000) + 's', Math.round(performance.now() - t) + 'ms');
}
console.log(Math.round((performance.now() - began) / (to - from + 1)), 'ms a seed');
