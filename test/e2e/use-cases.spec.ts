import { once } from 'node:events';
import { readFileSync, readdirSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join, resolve } from 'node:path';
import { makeDemoImage } from '../../deploy/demo.ts';
import { blocksOf, differences, runBlocks } from './use-case-page.ts';
import { World } from './world.ts';

const PAGES = resolve(import.meta.dirname, '../../docs/use-cases');
/** One bash session through a whole page. */
const PAGE_MS = 120_000;

/** What the pages say is what happens: each is pasted, from its first line to its last, into one shell next to an installation. */
describe('the use cases, as their pages have them', () => {
  let world: World;
  beforeAll(async () => {
    world = await World.start();
    await makeDemoImage({ ...process.env, DOCKER_HOST: world.engine.host });
  }, 120_000);
  afterAll(() => world?.stop(), 60_000);

  it.each(readdirSync(PAGES).filter((file) => file.endsWith('.md')))('%s', async (file) => {
    const blocks = blocksOf(readFileSync(join(PAGES, file), 'utf8'));
    expect(blocks.length).toBeGreaterThan(0);
    const { NODE_OPTIONS: _jests, ...inherited } = process.env;
    const environment = { ...inherited, WAYBILL_URL: world.installation.url, WAYBILL_HOME: world.home };
    const { outputs, answers } = await runBlocks(blocks, environment, PAGE_MS).catch(async (error: Error) => {
      throw new Error(`${error.message}\n${await world.trouble()}`);
    });
    const wrong = blocks.flatMap(({ sh, json }, i) => (json === undefined ? [] : differences(json, parsed(outputs[i]!, sh)).map((each) => `${sh}${each}`)));
    if (wrong.length > 0) throw new Error(`${wrong.join('\n')}\nanswered, reads that went well left out:\n${answers}${await world.trouble()}`);
    // A page clears up behind itself, so that it can be pasted again.
    expect(await world.containers()).toEqual([]);
  }, PAGE_MS + 30_000);
});

function parsed(output: string, sh: string): unknown {
  try {
    return JSON.parse(output);
  } catch {
    throw new Error(`${sh}printed no JSON: ${output}`);
  }
}

describe('the reader of pages', () => {
  const page = (...blocks: [language: string, text: string][]): string => blocks.map(([language, text]) => `\`\`\`${language}\n${text}\n\`\`\`\n`).join('prose\n');
  const run = (...scripts: string[]) => runBlocks(blocksOf(page(...scripts.map((text): [string, string] => ['sh', text]))), process.env, 10_000);

  it('pairs what is run with what is shown of it', () => {
    expect(blocksOf(page(['sh', 'a'], ['json', '{"b": 1}'], ['text', 'c'], ['sh', 'd']))).toEqual([{ sh: 'a\n', json: { b: 1 } }, { sh: 'd\n' }]);
    expect(() => blocksOf(page(['sh', 'a'], ['json', '1'], ['json', '2']))).toThrow('must follow a sh block');
  });

  it('keeps one session through a page, and tells the blocks’ outputs apart', async () => {
    expect((await run('A=1', 'echo $A; echo 2', 'cat')).outputs).toEqual(['', '1\n2\n', '']);
  });

  it('names the block that fails', async () => {
    await expect(run('echo well', 'echo oh no\nfalse\necho unheard', 'echo never')).rejects.toThrow(/exit 1:\necho oh no\nfalse\necho unheard\nprinted: oh no/);
    await expect(run('echo "$NOWHERE_SET"')).rejects.toThrow('NOWHERE_SET');
    await expect(runBlocks([{ sh: 'while :; do sleep 1; done\n' }], process.env, 200)).rejects.toThrow('not through within 200 ms');
  });

  it('notes what changes were answered, and every refusal', async () => {
    const server = createServer((request, response) => response.writeHead(request.method === 'GET' ? Number(request.url!.slice(1)) : 202).end('body')).listen(0, '127.0.0.1');
    try {
      await once(server, 'listening');
      const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
      const { outputs, answers } = await run(`curl -s ${url}/200; curl -s ${url}/404 > /dev/null\ncurl -s -X PATCH ${url}/service | cat`);
      expect([outputs, answers]).toEqual([['bodybody'], `404 GET ${url}/404\n202 PATCH ${url}/service\n`]);
    } finally {
      server.close();
    }
  });

  it('sees every difference from what is shown', () => {
    const found = { id: 'svc_abc', items: [{ a: 1, b: null }], more: true };
    expect(differences({ id: 'svc_…', items: [{ b: null }] }, found)).toEqual([]);
    expect(differences({ id: 'job_…', items: [{ a: 2 }], gone: null }, found)).toEqual([
      '/id: shown "job_…", found "svc_abc"',
      '/items/0/a: shown 2, found 1',
      '/gone: shown null, found undefined',
    ]);
    expect(differences({ items: [] }, found)).toEqual(['/items: shown [], found [{"a":1,"b":null}]']);
    expect(differences('…', 3)).toEqual(['/: shown "…", found 3']);
  });
});
