import { type ArgumentMetadata, Injectable, type PipeTransform } from '@nestjs/common';
import { plainToInstance } from 'class-transformer';
import { validate, type ValidationError } from 'class-validator';
import { type FieldError, InvalidRequest } from './invalid-request.ts';
import { flawsOf } from './shapes.ts';

/** Turns plain JSON into its DTO class and checks it whole: unknown fields are refused by name, nothing is converted silently
 *  in a body. @throws InvalidRequest */
@Injectable()
export class ValidationPipe implements PipeTransform {
  readonly #wellWhenEmpty = new Set<new () => object>();

  async transform(value: unknown, { metatype, type }: ArgumentMetadata): Promise<unknown> {
    if (!metatype || PLAIN.has(metatype) || type === 'custom' || type === 'param') return value;
    const plain = value ?? {};
    if (typeof plain !== 'object' || Array.isArray(plain)) throw new InvalidRequest([{ pointer: '', code: 'type', detail: 'must be a JSON object' }]);
    if (metatype === Nothing) {
      refuseUnknown(Object.keys(plain), type === 'query' ? '?' : '/');
      return plain;
    }
    // Most reads ask for nothing special: what was found well once is so every time.
    const isEmpty = Object.keys(plain).length === 0;
    if (isEmpty && this.#wellWhenEmpty.has(metatype as new () => object)) return new (metatype as new () => object)();
    const dto = plainToInstance(metatype, plain, { exposeUnsetFields: false }) as object;
    const errors = await validate(dto, { whitelist: true, forbidNonWhitelisted: true, forbidUnknownValues: true });
    if (errors.length === 0 && isEmpty) this.#wellWhenEmpty.add(metatype as new () => object);
    if (errors.length === 0) return dto;
    const prefix = type === 'query' ? '?' : '/';
    throw new InvalidRequest(errors.flatMap((error) => fieldErrors(error, '', prefix)));
  }
}

/** The body of a route that takes none: what a client means by it can't be served, and isn't passed over. */
export class Nothing {}

/** @throws InvalidRequest that names each of these */
export function refuseUnknown(names: readonly string[], separator: '?' | '/'): void {
  if (names.length === 0) return;
  throw new InvalidRequest(names.map((name) => ({ pointer: `${separator}${escaped(name)}`, code: 'unknown_field', detail: `no such field: ${name}` })));
}

const PLAIN: ReadonlySet<unknown> = new Set([String, Number, Boolean, Array, Object]);

function fieldErrors(error: ValidationError, parent: string, separator: string): FieldError[] {
  const pointer = `${parent}${separator}${escaped(error.property)}`;
  const own = constraintsOf(error).flatMap(([code, message]) => describe(error, pointer, code, message));
  const inner = (error.children ?? []).flatMap((child) => fieldErrors(child, pointer, '/'));
  return [...own, ...inner];
}

/** What isn't a list or an object at all is said once: that its items are wrong, too, helps nobody. */
function constraintsOf({ constraints = {} }: ValidationError): [string, string][] {
  const all = Object.entries(constraints);
  return all.length === 1 ? all : all.filter(([code]) => code !== 'nestedValidation');
}

function describe(error: ValidationError, pointer: string, code: string, message: string): FieldError[] {
  if (code === 'whitelistValidation') return [{ pointer, code: 'unknown_field', detail: `no such field: ${error.property}` }];
  const flaws = flawsOf(code, error.value);
  if (flaws) return flaws.map(({ path, code: kind = 'type', detail }) => ({ pointer: [pointer, ...path.map(escaped)].join('/'), code: kind, detail }));
  if (error.value === undefined) return [{ pointer, code: 'required', detail: 'is needed' }];
  // The library begins its sentences with the property's name; the pointer says that already.
  return [{ pointer, code: snakeCase(code), detail: message.startsWith(`${error.property} `) ? message.slice(error.property.length + 1) : message }];
}

const escaped = (segment: string | number): string => String(segment).replaceAll('~', '~0').replaceAll('/', '~1');
const snakeCase = (name: string): string => name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
