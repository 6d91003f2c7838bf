import type { JobEvent, ProjectEvent, ProjectId, VolumeEvent } from '#domain';

/** Whoever holds room of a project's quota, or is there without any, as the log was heard: where to look, never what a decision rests on. */
export class KnownHolders {
  /** With the project that they belong to. */
  readonly #holders = new Map<string, ProjectId>();

  /** Folds one event in, of the stream with this id. */
  take(id: string, event: JobEvent | ProjectEvent | VolumeEvent): void {
    switch (event.type) {
      case 'RoomReserved':
      case 'RoomSettled':
        this.#holders.set(event.data.holder, id as ProjectId);
        break;
      case 'JobCreated':
      case 'VolumeCreated':
        this.#holders.set(id, event.data.projectId);
        break;
      case 'RoomReleased':
        this.#holders.delete(event.data.holder);
        break;
    }
  }

  /** Of what held nothing, and is over. */
  forget(holder: string): void {
    this.#holders.delete(holder);
  }

  projectOf(holder: string): ProjectId | null {
    return this.#holders.get(holder) ?? null;
  }

  all(): readonly string[] {
    return [...this.#holders.keys()];
  }
}
