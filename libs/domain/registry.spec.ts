import { isEventType, registry, schemaOf, upcast } from './registry.ts';

const read = (type: string, schema: number) => ({ type, data: { from: 1, to: 2 }, metadata: { schema } });

describe('the table of events', () => {
  it('gives every event a version, and a sentence that says what has happened', () => {
    for (const [type, { schema, meaning }] of Object.entries(registry)) {
      expect(schemaOf(type)).toBe(schema);
      expect(meaning).toMatch(/^[A-Z].*\.$/);
    }
  });

  it('has no two events of one meaning', () => {
    const meanings = Object.values(registry).map(({ meaning }) => meaning);
    expect(new Set(meanings).size).toBe(meanings.length);
  });

  it('leaves an event of the present version as it is', () => {
    const event = read('DockerServiceScaled', 1);
    expect(upcast(event)).toBe(event);
  });

  it('refuses what a newer build wrote, and what nobody knows', () => {
    expect(() => upcast(read('DockerServiceScaled', 2))).toThrow("DockerServiceScaled of schema 2 can't be read: this build knows schema 1");
    expect(() => upcast(read('Nonsense', 1))).toThrow('unknown event type: Nonsense');
    expect(isEventType('constructor')).toBe(false);
  });
});
