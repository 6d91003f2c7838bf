import { randomUUID } from 'node:crypto';
import features from '@eventstore/db-client/generated/serverfeatures_pb.js';
import gossip from '@eventstore/db-client/generated/gossip_pb.js';
import shared from '@eventstore/db-client/generated/shared_pb.js';

/** `ServerFeatures`: what the client looks at before it chooses between `Append` and `BatchAppend`. */
export function supportedMethods(): features.SupportedMethods {
  const methods = ['read', 'append', 'delete', 'tombstone', 'batchappend'].map((name) => {
    const method = new features.SupportedMethod();
    method.setServiceName('event_store.client.streams.streams');
    method.setMethodName(name);
    return method;
  });
  const answer = new features.SupportedMethods();
  answer.setEventStoreServerVersion('24.10.0');
  answer.setMethodsList(methods);
  return answer;
}

/** A member of a cluster, as `Gossip` tells of it. */
export interface Member {
  readonly host: string;
  readonly port: number;
  readonly isLeader: boolean;
}

/** `Gossip`: what the client asks when it is given several hosts, or a name to discover them by. */
export function clusterInfo(members: readonly Member[]): gossip.ClusterInfo {
  const info = new gossip.ClusterInfo();
  info.setMembersList(
    members.map(({ host, port, isLeader }) => {
      const id = new shared.UUID();
      id.setString(randomUUID());
      const endPoint = new gossip.EndPoint();
      endPoint.setAddress(host).setPort(port);
      const { LEADER, FOLLOWER } = gossip.MemberInfo.VNodeState;
      return new gossip.MemberInfo().setInstanceId(id).setTimeStamp('0').setIsAlive(true).setState(isLeader ? LEADER : FOLLOWER).setHttpEndPoint(endPoint);
    }),
  );
  return info;
}
