import type { ProjectId } from '../kernel/ids.ts';
import { Rejection } from '../kernel/rejection.ts';
import type { Project } from './project.ts';

/** The project, where it was created and isn't deleted. @throws Rejection `project.not_found`, `project.deleted` */
export function standingProject(project: Project): Project & { projectId: ProjectId; name: string } {
  const { status, projectId, name } = project;
  if (status === 'deleted') throw new Rejection('conflict', 'project.deleted', 'it was deleted: create another one');
  if (projectId === null || name === null) throw new Rejection('not_found', 'project.not_found', 'no project of this id was ever created');
  return { ...project, projectId, name };
}
