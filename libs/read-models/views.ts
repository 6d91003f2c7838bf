import type { View } from './view.ts';
import { members, tokens } from './views/access.ts';
import { audit } from './views/audit.ts';
import { deployments } from './views/deployments.ts';
import { environments } from './views/environments.ts';
import { configs, secrets } from './views/held-values.ts';
import { jobs } from './views/jobs.ts';
import { networks } from './views/networks.ts';
import { nodes } from './views/nodes.ts';
import { plans } from './views/plans.ts';
import { projects } from './views/projects.ts';
import { releases } from './views/releases.ts';
import { replicas } from './views/replicas.ts';
import { resources } from './views/resources.ts';
import { schedules } from './views/schedules.ts';
import { services } from './views/services.ts';
import { users } from './views/users.ts';
import { volumes } from './views/volumes.ts';

/** Every view, by its name. Each is followed and rebuilt by itself. */
export const views = { audit, configs, deployments, environments, jobs, members, networks, nodes, plans, projects, releases, replicas, resources, schedules, secrets, services, tokens, users, volumes } as const;

export type ViewName = keyof typeof views;

/** The same, for what treats all views alike. */
export const everyView: readonly View[] = Object.values(views);
