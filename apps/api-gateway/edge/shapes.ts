import { ApiProperty } from '@nestjs/swagger';
import { ValidateBy, buildMessage, type ValidationOptions } from 'class-validator';

/** One thing that is wrong inside a value, `path` below it: `['PORT']`, `[2]`. */
export interface Flaw {
  readonly path: readonly (string | number)[];
  /** Default `type`. */
  readonly code?: string;
  readonly detail: string;
}

/** Looks at a whole value and names each part of it that is wrong; class-validator alone would name only the property. */
export type Shape = (value: unknown) => readonly Flaw[];

/** Shapes by the name of their constraint: the pipe asks again here to point at each flaw. */
const shapes = new Map<string, Shape>();

/** A validator for a property whose flaws lie inside it. */
export const shaped = (name: string, shape: Shape) => {
  shapes.set(name, shape);
  return (options?: ValidationOptions): PropertyDecorator =>
    ValidateBy({ name, validator: { validate: (value: unknown) => shape(value).length === 0, defaultMessage: buildMessage(() => name) } }, options);
};

/** What exactly is wrong, when `constraint` is one of these shapes; null for any other validator. */
export const flawsOf = (constraint: string, value: unknown): readonly Flaw[] | null => shapes.get(constraint)?.(value) ?? null;

/** A list of texts, such as `args`. */
export const TextList = shaped('textList', (value) => {
  if (!Array.isArray(value)) return [{ path: [], detail: 'must be a list of texts' }];
  return value.flatMap((item: unknown, index) => (typeof item === 'string' ? [] : [{ path: [index], detail: 'must be a text' }]));
});

/** A flat map of names to texts, such as `env`. */
export const TextMap = shaped('textMap', (value) => {
  if (value === null || typeof value !== 'object' || Array.isArray(value)) return [{ path: [], detail: 'must be an object of texts' }];
  return Object.entries(value).flatMap(([key, item]) => (typeof item === 'string' ? [] : [{ path: [key], detail: 'must be a text (put numbers and true/false in quotes)' }]));
});

/** A number of replicas, or a percentage of them as a text: `2`, `"25%"`. The domain judges the value. */
export const IsShare = (): PropertyDecorator =>
  ValidateBy({
    name: 'type',
    validator: {
      validate: (value: unknown) => typeof value === 'number' || typeof value === 'string',
      defaultMessage: () => 'must be a whole number, or a percentage like "25%"',
    },
  });

/** What an id of this kind looks like, as a schema says it. */
export const idPattern = (prefix: string): string => `^${prefix}_[a-z2-7]{26}$`;

/** An id of this kind, such as `env_…`. Whether the thing is there is another question. */
export const IsIdOf = (prefix: string): PropertyDecorator => (target, property) => {
  const pattern = idPattern(prefix);
  ApiProperty({ pattern })(target, property);
  const validate = (value: unknown): boolean => typeof value === 'string' && new RegExp(pattern).test(value);
  ValidateBy({ name: 'id', validator: { validate, defaultMessage: () => `must be an id: ${prefix}_ and 26 characters of a to z and 2 to 7` } })(target, property);
};
