import { setSourceMapsSupport } from 'node:module';

/** Preloaded by whoever starts an app (`--import`): stacks name the lines of our sources. Node's own `--enable-source-maps` does the same
 *  for every package, and keeps the maps of a thousand modules in memory, 5 to 8 MiB an app. */
setSourceMapsSupport(true, { nodeModules: false });
