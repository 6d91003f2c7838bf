import { pythonWith, type Program } from '../python-program.ts';

/** What runs the server: a Python with the PyPI package `nx-27017`, or why there is none here. */
export const mongoServerProgram = (): Promise<Program> => pythonWith('nx-27017', new URL('requirements.txt', import.meta.url));
