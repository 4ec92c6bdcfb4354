import type { RunbookSubject } from '../replication-runbook';
import { TopicNaming } from '../replicator';

/** What the instructions name. */
export interface MirrorNames {
  /** Kind, name and namespace as kubectl takes them. */
  readonly command: string;
  readonly replicatorName: string;
  readonly source: string;
  readonly target: string;
  readonly naming: TopicNaming;
}

/**
 * What a runbook says of MirrorMaker 2. Unlike MSK Replicator it does not mark what it copied: under identical names what comes back from the
 * target is new to it, so a cluster is filled from the other one only while its topics are empty.
 */
export function mirrorOperations(names: MirrorNames): Pick<RunbookSubject, 'healthChecks' | 'stop' | 'reverse' | 'resume'> {
  const { command, replicatorName, source, target, naming } = names;
  const identical = naming === TopicNaming.IDENTICAL;
  const stopping = `\`kubectl patch ${command} --type json -p '[{"op":"add","path":"/spec/mirrors/0/sourceConnector/state","value":"stopped"}]'\``;
  const gitOps = 'Argo CD or Flux undoes that: suspend the sync of this resource first.';
  return {
    healthChecks: [
      `\`kubectl get ${command} -o yaml\`: condition Ready, every connector and task RUNNING under \`status.connectors\`.`,
      'Its lag is `records-lag-max` among the `consumer-fetch-manager-metrics` of its pods (port 9404, with `_` for `-`).',
      'The lag of the consumer groups on each cluster.',
      `Clients have users, grants and schemas on ${target}: access control lists and the registry of ${source} are not copied. Records that name a schema by its id are read only where that id is the same schema.`,
    ],
    stop: `Stop it, so that nothing more comes from ${source}: ${stopping}. ${gitOps}`,
    reverse: identical
      ? `Stop ${replicatorName} for good: ${stopping}. ${gitOps} Save from ${source} what had not been copied, then delete the replicated topics there: what they still hold would be there twice. Declare a Replicator with source and target exchanged beside ${source}.`
      : `Declare a Replicator with source and target exchanged beside ${source}. Its copies arrive as \`${target}.<topic>\`: let the consumers of ${source} read these, too.`,
    resume: identical
      ? `Remove the replicator the other way. ${replicatorName} would copy again what came back from ${target}: delete the replicated topics on ${target} and give the replicator another \`replicatorName\`, so that it begins anew.`
      : undefined,
  };
}
