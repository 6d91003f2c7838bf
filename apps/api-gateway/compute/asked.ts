import { AskedNetworks } from '../networks/asked-networks.ts';
import { AskedVolumes, type VolumeScope } from '../volumes/asked-volumes.ts';

/** What a body names by a name of its environment: what is there is found, what isn't is noted to be made. */
export interface Asked {
  readonly volumes: AskedVolumes;
  readonly networks: AskedNetworks;
}

export const askedIn = (scope: VolumeScope): Asked => ({ volumes: new AskedVolumes(scope), networks: new AskedNetworks(scope) });
