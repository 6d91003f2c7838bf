import 'reflect-metadata';
import { join } from 'node:path';
import { NestFactory } from '@nestjs/core';
import { openDockerRuntime } from '#docker';
import { openNats } from '#messaging';
import { startApp } from '#platform';
import { AgentModule } from './agent.module.ts';
import { Agent } from './agent.ts';
import { FolderDisk } from './disk.ts';
import { readCapacity } from './facts.ts';
import { readStorage } from './loop-storage.ts';
import { TmpfsFiles } from './host-files.ts';

/** The node agent as a process: one for each Docker host. It holds no store's credential, and its end ends no container. */
await startApp('node-agent', 'agent', async ({ config, clock, random, logger, shutdown, checks }) => {
  // Containers are looked after whether or not there is a bus.
  const bus = openNats({ url: config.natsUrl, name: 'node-agent', logger, clock });
  shutdown.add('bus', () => bus.close());
  const storage = readStorage(process.env, join(config.nodeDir, 'volumes'));
  const runtime = openDockerRuntime({ host: config.dockerHost, installation: config.installation, logger, hostPaths: storage.hostPaths });
  const settings = { name: config.nodeName, address: config.nodeAddress, labels: config.nodeLabels, capacity: readCapacity(process.env) };
  const options = { runtime, bus, clock, random, logger, disk: new FolderDisk(config.nodeDir), files: new TmpfsFiles(config.installation), installation: config.installation, settings, storage };

  const app = await NestFactory.createApplicationContext(AgentModule.on(options), { logger: false, abortOnError: false });
  shutdown.add('agent', () => app.close());
  const agent = app.get(Agent);
  checks['agent'] = () => ({ ok: agent.ready.registered, detail: agent.ready.registered ? `registered as ${agent.identity.nodeId}` : 'not registered yet' });
  checks['engine'] = () => ({ ok: agent.ready.engineTrouble === null, detail: agent.ready.engineTrouble ?? 'answers' });
  checks['bus'] = () => ({ ok: bus.connected, detail: bus.connected ? 'connected' : 'not connected' });
});
