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
    const separator = type === 'query' ? '?' : '/';
    if (metatype === Nothing) {
      refuseUnknown(Object.keys(plain), separator);
      return plain;
    }
    // Most reads ask for nothing special: what was found well once is so every time.
    const isEmpty = Object.keys(plain).length === 0;
    if (isEmpty && this.#wellWhenEmpty.has(metatype as new () => object)) return new (metatype as new () => object)();
    refuseInherited(plain, separator);
    const dto = plainToInstance(metatype, plain, { exposeUnsetFields: false }) as object;
    const errors = await validate(dto, { whitelist: true, forbidNonWhitelisted: true, forbidUnknownValues: true });
    if (errors.length === 0 && isEmpty) this.#wellWhenEmpty.add(metatype as new () => object);
    if (errors.length === 0) return dto;
    throw new InvalidRequest(errors.flatMap((error) => fieldErrors(error, '', separator)));
  }
}

/** Names that every object has by birth, such as `constructor`, stand for no field and for no key of a map either: the libraries below find them in their own
 *  tables, and let them pass or trip over them. @throws InvalidRequest that names each of these */
function refuseInherited(value: object, separator: '?' | '/'): void {
  const paths = inheritedNames(value);
  if (paths.length > 0) throw new InvalidRequest(paths.map((path) => ({ pointer: `${separator}${path}`, code: 'unknown_field', detail: `nothing can be called ${path.split('/').at(-1)}` })));
}

/** As pointers without their first slash. */
const inheritedNames = (value: object): readonly string[] =>
  Object.entries(value).flatMap(([name, held]): readonly string[] => {
    if (!Array.isArray(value) && name in Object.prototype) return [name];
    return typeof held === 'object' && held !== null ? inheritedNames(held as object).map((inner) => `${escaped(name)}/${inner}`) : [];
  });

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
