/** True for what a view's file may call a view or a field: such a name needs no quoting in any store. */
export const isFieldName = (name: string): boolean => /^[a-z][a-z0-9_]{0,60}$/.test(name);

/** Names of views and fields become part of SQL and of paths. @throws Error for one that a view's file may not use. */
export function checkedName(name: string): string {
  if (!isFieldName(name)) throw new Error(`not a name of a view or field: ${name}`);
  return name;
}
