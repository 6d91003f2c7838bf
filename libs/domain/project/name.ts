/** As schemas say it, too. */
export const NAME = /^[a-z0-9](?:[-a-z0-9]{0,61}[a-z0-9])?$/;

/** Names of projects, environments, services and jobs are DNS labels, since they make up host names (RFC 1123). */
export const isName = (text: string): boolean => NAME.test(text);

/** Says in a sentence what a name has to be. */
export const NAME_RULE = '1 to 63 of a to z, 0 to 9 and -, neither beginning nor ending with -';

/** `<service>.<environment>.<project>.internal`: what a service answers to in its network. */
export const hostnameOf = (service: string, environment: string, project: string): string => `${service}.${environment}.${project}.internal`;
