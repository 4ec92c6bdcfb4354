import type { Assembly, SynthesizedObject } from '../core/assembly';
import { objectChanges, pairedObjects } from '../core/changes';
import { type Finding, FindingSeverity, type IUpdateRule } from '../core/update-rule';

/** Fewer members than before: those that leave take along what only they hold. */
class StatefulMembersRule implements IUpdateRule {
  public readonly id = 'Millrace.StatefulMembersDecrease';

  public check(before: Assembly, after: Assembly): Finding[] {
    return pairedObjects(before, after, 'StatefulSet').flatMap((pair) => {
      // Kubernetes takes one replica for none given.
      const [from, to] = [pair.before, pair.after].map(({ manifest }) => manifest.spec?.replicas ?? 1);
      if (!(to < from)) return [];
      return [
        {
          code: this.id,
          severity: FindingSeverity.ERROR,
          path: pair.after.id,
          message: `members shrink from ${from} to ${to}; those that leave take along what only they hold, and their volumes stay behind, billed`,
          fix: `keep ${from}, or move the data off the members from number ${to} on first and accept the change`,
        },
      ];
    });
  }
}

/** Volumes that were kept when their set leaves or shrinks, and no longer are: nothing is lost yet, the next change may. */
class ClaimRetentionRule implements IUpdateRule {
  public readonly id = 'Millrace.ClaimRetentionWeakened';

  public check(before: Assembly, after: Assembly): Finding[] {
    return pairedObjects(before, after, 'StatefulSet').flatMap((pair) => {
      // Kubernetes retains where nothing is said.
      const policyOf = ({ manifest }: SynthesizedObject, when: string) =>
        manifest.spec?.persistentVolumeClaimRetentionPolicy?.[when] ?? 'Retain';
      const weakened = ['whenDeleted', 'whenScaled'].filter(
        (when) => policyOf(pair.before, when) === 'Retain' && policyOf(pair.after, when) === 'Delete',
      );
      return weakened.map((when) => ({
        code: this.id,
        severity: FindingSeverity.WARNING,
        path: pair.after.id,
        message: `persistentVolumeClaimRetentionPolicy.${when} goes from Retain to Delete; the volumes go when the set is ${when === 'whenDeleted' ? 'deleted' : 'scaled down'}`,
        fix: 'keep removalPolicy RETAIN, unless this data may be lost',
      }));
    });
  }
}

/** A changed job is a new object beside the old one, and runs again. */
class JobRunsAgainRule implements IUpdateRule {
  public readonly id = 'Millrace.JobRunsAgain';

  public check(before: Assembly, after: Assembly): Finding[] {
    const { removed, added } = objectChanges(before, after);
    const leaving = new Map(removed.flatMap((object) => jobKey(object).map((key) => [key, object] as const)));
    return added.flatMap((object) =>
      jobKey(object).flatMap((key) => {
        const former = leaving.get(key);
        if (!former) return [];
        return [
          {
            code: this.id,
            severity: FindingSeverity.WARNING,
            path: object.id,
            message: `the job changes and takes the place of ${former.manifest.metadata?.name}: it runs again`,
            fix: 'nothing, if what it does bears being done twice; else keep it as it was',
          },
        ];
      }),
    );
  }
}

/** Kinds whose objects of ours are named by a hash of what they do, because they do not run a change under the same name. */
const RUN_ONCE = ['Job', 'RayJob'];

/** What makes a job of ours the same one under another name: its construct. Elsewhere the label names a release with many jobs. */
function jobKey({ manifest }: SynthesizedObject): string[] {
  const labels = manifest.metadata?.labels ?? {};
  const instance = labels['app.kubernetes.io/instance'];
  const isOurs = RUN_ONCE.includes(manifest.kind) && labels['app.kubernetes.io/managed-by'] === 'millrace' && instance;
  return isOurs ? [`${manifest.kind}/${manifest.metadata?.namespace ?? ''}/${instance}`] : [];
}

/** The update rules for workloads; those for fields that Kubernetes never changes are in `StatefulUpdateRules`. */
export class WorkloadUpdateRules {
  /** Fewer members of a StatefulSet, volumes that are no longer retained, and jobs that run again. */
  public static all(): IUpdateRule[] {
    return [new StatefulMembersRule(), new ClaimRetentionRule(), new JobRunsAgainRule()];
  }

  private constructor() {}
}
