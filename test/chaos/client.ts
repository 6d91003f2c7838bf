import { setTimeout as pause } from 'node:timers/promises';
import type { Random } from '#contracts';
import { commandIdOf } from '#platform';
import { IMAGE, type Doc, type World } from '../e2e/world.ts';
import { between, pick } from './faults.ts';
import type { Acknowledged } from './laws.ts';
import type { RollCall } from './roll-call.ts';
import type { Story } from './story.ts';

/** What must be true of a service in the end, by the client's own book. */
export interface ServiceInBook {
  readonly id: string;
  readonly name: string;
  replicas: number;
  deleted: boolean;
}

export interface JobInBook {
  readonly id: string;
  readonly key: string;
  readonly exitCode: number;
}

export interface ClientOptions {
  readonly world: World;
  readonly story: Story;
  readonly random: Random;
  readonly rollCall: RollCall;
  /** The gateways that it may ask. */
  readonly gateways: readonly string[];
  readonly environmentId: string;
}

/** How long one try of a request may take. */
const TRY_MS = 5_000;
const MOST_REPLICAS = 4;
/** All services of all hands together stay below this. */
const SERVICES_PER_HAND = 2;
/** No deployment fails by a deadline while its parts are away: what becomes of those is for other specs. */
const PATIENT = { min_healthy_ms: 300, healthy_deadline_ms: 3_600_000, progress_deadline_ms: 3_600_000, max_failures: 1_000 };

/** Creates, scales, deletes and runs jobs, with several hands at once: each has services of its own, so that its last word on one is
 *  the last of all. Each request is said again under its name, here or there, until it is answered. */
export class Client {
  readonly services: ServiceInBook[] = [];
  readonly jobs: JobInBook[] = [];
  readonly acknowledged: Acknowledged[] = [];
  #said = 0;
  #stopped = false;

  constructor(private readonly options: ClientOptions) {}

  /** Goes on until `stop`. @returns when every hand has its last answer. @throws Error for an answer that can't be right. */
  async work(hands: number): Promise<void> {
    await Promise.all(Array.from({ length: hands }, (_, hand) => this.#hand(`h${hand}`)));
  }

  /** Begins nothing more. */
  stop(): void {
    this.#stopped = true;
  }

  /** Deletes whatever still stands. */
  async deleteAll(): Promise<void> {
    await Promise.all(this.services.filter(({ deleted }) => !deleted).map((service) => this.#delete(service)));
  }

  async #hand(hand: string): Promise<void> {
    const { random } = this.options;
    const own: ServiceInBook[] = [];
    while (!this.#stopped) {
      const standing = own.filter(({ deleted }) => !deleted);
      const verb = random();
      if (verb < 0.25) await this.#runJob();
      else if (standing.length === 0 || (verb < 0.4 && standing.length < SERVICES_PER_HAND)) await this.#create(hand, own);
      else if (verb < 0.55) await this.#delete(pick(random, standing));
      else await this.#scale(pick(random, standing));
      await pause(between(random, 100, 2_000));
    }
  }

  async #create(hand: string, own: ServiceInBook[]): Promise<void> {
    const { random, environmentId, world } = this.options;
    // A name may still be held by the one that is being deleted: then it isn't given, and that is an answer, too.
    const name = `${hand}-${pick(random, ['a', 'b', 'c'])}`;
    const replicas = between(random, 0, MOST_REPLICAS);
    const what = `create ${name} with ${replicas}`;
    const events = { NameClaimed: 1, DockerServiceCreated: 1, ReleaseCut: 1, DeploymentStarted: 1 };
    const body = { ...world.serviceBody({ name, replicas, deploy: PATIENT }), environment_id: environmentId };
    const answer = await this.#say('POST', '/v1/docker-services', body, what, events, [409]);
    if (answer.status !== 202) return;
    const service = { id: answer.body.docker_service_id, name, replicas, deleted: false };
    own.push(service);
    this.services.push(service);
  }

  async #scale(service: ServiceInBook): Promise<void> {
    const replicas = between(this.options.random, 0, MOST_REPLICAS);
    const events = { DockerServiceScaled: replicas === service.replicas ? 0 : 1 };
    await this.#say('POST', `/v1/docker-services/${service.id}/scale`, { replicas }, `scale ${service.name} to ${replicas}`, events);
    service.replicas = replicas;
  }

  async #delete(service: ServiceInBook): Promise<void> {
    await this.#say('DELETE', `/v1/docker-services/${service.id}`, undefined, `delete ${service.name}`, { DockerServiceDeletionRequested: 1 });
    service.deleted = true;
  }

  async #runJob(): Promise<void> {
    const { random, environmentId, rollCall } = this.options;
    const key = `job-${(this.#said += 1)}`;
    const exitCode = random() < 0.7 ? 0 : 7;
    const command = rollCall.command(key, between(random, 0, 3_000), exitCode);
    const body = { environment_id: environmentId, name: key, image: IMAGE, pull_policy: 'never', command, resources: { cpu_millis: 20, memory_bytes: 16 << 20 } };
    const answer = await this.#say('POST', '/v1/jobs', body, `run ${key}`, { JobCreated: 1 });
    this.jobs.push({ id: answer.body.job_id, key, exitCode });
  }

  /** @param refusals statuses beside 2xx that are an answer. */
  async #say(method: string, path: string, body: unknown, what: string, events: Acknowledged['events'], refusals: readonly number[] = []): Promise<{ status: number; body: Doc }> {
    const { story, random, gateways } = this.options;
    const key = `chaos-${(this.#said += 1)}`;
    const commandId = commandIdOf('request', 'token', 'tok_operator', method, path, key);
    for (let tries = 1; ; tries += 1) {
      // Now and then both are told at once, as by a proxy that is impatient.
      const asked = random() < 0.2 ? gateways : [pick(random, gateways)];
      const answers = await Promise.all(asked.map((gateway) => this.#try(method, path, body, key, gateway)));
      const final = answers.filter((answer) => answer !== null).filter(({ status }) => status < 500);
      for (const { status, body: said } of final) {
        if (status >= 300 && !refusals.includes(status)) throw new Error(`${what}: ${status} ${JSON.stringify(said)}`);
      }
      const answer = final.find(({ status }) => status < 300) ?? final[0];
      if (answer) {
        story.tell(`${what}: ${answer.status}${tries > 1 ? ` at try ${tries}` : ''}`);
        if (answer.status < 300) this.acknowledged.push({ commandId, what, events });
        return answer;
      }
      await pause(250);
    }
  }

  /** null: not answered, whatever became of it. */
  async #try(method: string, path: string, body: unknown, key: string, gateway: string): Promise<{ status: number; body: Doc } | null> {
    const { installation } = this.options.world;
    const headers = { authorization: `Bearer ${installation.token}`, 'idempotency-key': key, ...(body === undefined ? {} : { 'content-type': 'application/json' }) };
    try {
      const answer = await fetch(`${installation.urlOf(gateway)}${path}`, { method, headers, body: body === undefined ? undefined : JSON.stringify(body), signal: AbortSignal.timeout(TRY_MS) });
      const text = await answer.text();
      return { status: answer.status, body: text ? JSON.parse(text) : null };
    } catch {
      return null;
    }
  }
}
