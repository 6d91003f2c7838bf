import type { TenantContext } from '#contracts';
import type { Actor } from '#domain';
import type { Page } from '../port.ts';
import { answered, asQuery, type Paging, type Reads } from '../reads.ts';
import { evolveBy, keysOf, type View } from '../view.ts';
import { resourcesDocument, type ResourcesDocument } from './container-spec.ts';

/** A size that services are made in. */
export interface PlanAnswer {
  readonly name: string;
  readonly resources: ResourcesDocument;
  readonly created_at: string;
  readonly created_by: Actor;
  readonly updated_at: string;
  readonly updated_by: Actor;
  readonly revision: number;
}

export interface PlanDocument extends PlanAnswer {
  readonly id: string;
  readonly position: string;
}

/** Plans belong to the platform, and are everybody's to read. */
export const plans: View<PlanDocument> = {
  schema: { view: 'plans', version: 1, indexes: [] },
  prefixes: ['plan-'],
  keys: keysOf({ PlanDefined: ({ data }) => data.name, PlanChanged: ({ data }) => data.name }),
  evolve: evolveBy<PlanDocument>(
    {
      PlanDefined: ({ data, metadata, position, revision }) => ({
        id: data.name,
        position,
        name: data.name,
        resources: resourcesDocument(data.resources),
        created_at: metadata.at,
        created_by: metadata.actor,
        updated_at: metadata.at,
        updated_by: metadata.actor,
        revision: Number(revision),
      }),
    },
    {
      PlanChanged: (plan, { data, metadata, revision }) => ({
        ...plan,
        resources: resourcesDocument(data.to),
        updated_at: metadata.at,
        updated_by: metadata.actor,
        revision: Number(revision),
      }),
    },
  ),
};

/** One plan by its name, or null. */
export async function getPlan(reads: Reads, _tenant: TenantContext, name: string): Promise<PlanAnswer | null> {
  const plan = await reads.models.get<PlanDocument>('plans', name);
  return plan && answer(plan);
}

/** All plans, by name. */
export async function listPlans(reads: Reads, _tenant: TenantContext, paging: Paging = {}): Promise<Page<PlanAnswer>> {
  return answered(await reads.models.find<PlanDocument>('plans', asQuery(paging)), answer);
}

const answer = ({ id: _id, position: _position, ...plan }: PlanDocument): PlanAnswer => plan;
