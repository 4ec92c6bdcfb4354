import type { Assembly, SynthesizedObject } from '../core/assembly';
import { type ObjectPair, objectChanges, sameJson } from '../core/changes';
import { type Finding, FindingSeverity, type IUpdateRule } from '../core/update-rule';

const { ERROR, WARNING } = FindingSeverity;
const MODE = 'serving.kserve.io/deploymentMode';
const ENDPOINTS: Readonly<Record<string, string>> = {
  InferenceService: 'serving.kserve.io/',
  LLMInferenceService: 'serving.kserve.io/',
  RayService: 'ray.io/',
};

/** Whether an object is an endpoint; other groups may have kinds of the same name. */
function isEndpoint({ manifest }: SynthesizedObject, kind?: string): boolean {
  const group = ENDPOINTS[manifest.kind];
  return group !== undefined && String(manifest.apiVersion).startsWith(group) && (!kind || manifest.kind === kind);
}

function pairsOf(before: Assembly, after: Assembly, kind?: string): ObjectPair[] {
  return objectChanges(before, after).pairs.filter((pair) => isEndpoint(pair.after, kind));
}

/** An endpoint that leaves, or goes on under another name: its address goes with it. */
class EndpointRemovalRule implements IUpdateRule {
  public readonly id = 'Millrace.ModelEndpointRemoval';

  public check(before: Assembly, after: Assembly): Finding[] {
    const { removed, added } = objectChanges(before, after);
    return removed
      .filter((object) => isEndpoint(object))
      .map(({ id, manifest }) => {
        const successor = added.find((object) => isEndpoint(object, manifest.kind));
        return {
          code: this.id,
          severity: ERROR,
          path: id,
          message:
            `${manifest.kind} ${manifest.metadata?.name} leaves the manifests${successor ? ` while ${successor.id} is new` : ''}: ` +
            `its pods stop and its address is gone for those who call it`,
          fix: successor
            ? 'keep its name (set endpointName where it follows the construct path)'
            : 'move the callers first, then accept the change',
        };
      });
  }
}

/** The mode of KServe, which its webhook lets nobody change. */
class DeploymentModeRule implements IUpdateRule {
  public readonly id = 'Millrace.KserveDeploymentModeChange';

  public check(before: Assembly, after: Assembly): Finding[] {
    return pairsOf(before, after, 'InferenceService').flatMap((pair) => {
      const [from, to] = [pair.before, pair.after].map(({ manifest }) => modeOf(manifest.metadata?.annotations?.[MODE]));
      if (from === to) return [];
      return [
        {
          code: this.id,
          severity: ERROR,
          path: pair.after.id,
          message: `${MODE} changes from ${from} to ${to}: KServe refuses the apply, and a service made anew answers nothing until its pods are ready`,
          fix: 'make an endpoint of another name in the new mode, move the callers, then remove this one',
        },
      ];
    });
  }
}

/** The names of before KServe 0.15 mean the same. */
function modeOf(mode: unknown): string {
  return { RawDeployment: 'Standard', Serverless: 'Knative' }[String(mode)] ?? String(mode ?? 'the default of the installation');
}

/** A candidate under another name is another one: what was learned about the former does not hold for it. */
class CandidateRule implements IUpdateRule {
  public readonly id = 'Millrace.KserveCandidateReplaced';

  public check(before: Assembly, after: Assembly): Finding[] {
    return pairsOf(before, after, 'InferenceService').flatMap((pair) => {
      const namesOf = (object: SynthesizedObject): string[] => candidatesOf(object).map(({ predictor }) => String(predictor?.name));
      const now = namesOf(pair.after);
      const promoted = pair.after.manifest.spec?.predictor?.name;
      const gone = namesOf(pair.before).filter((name) => !now.includes(name) && name !== promoted);
      if (gone.length === 0 || now.length === 0) return [];
      return [
        {
          code: this.id,
          severity: WARNING,
          path: pair.after.id,
          message: `candidate ${gone.join(', ')} gives way to ${now.join(', ')}: its pods stop, and what was learned of it does not hold for the new one`,
          fix: 'begin the new one with trafficPercent 0',
        },
      ];
    });
  }
}

/** A candidate that is new gets its share before it is ready: KServe 0.20.0 does not look. */
class CandidateUnreadyRule implements IUpdateRule {
  public readonly id = 'Millrace.KserveCandidateUnready';

  public check(before: Assembly, after: Assembly): Finding[] {
    return pairsOf(before, after, 'InferenceService').flatMap((pair) => {
      const known = candidatesOf(pair.before).map(({ predictor }) => predictor?.name);
      return candidatesOf(pair.after)
        .filter(({ predictor, trafficPercent }) => trafficPercent > 0 && !known.includes(predictor?.name))
        .map(({ predictor, trafficPercent }) => ({
          code: this.id,
          severity: WARNING,
          path: pair.after.id,
          message: `candidate ${predictor?.name} is new and gets ${trafficPercent} % at once: until its pods are ready those requests fail (KServe 0.20.0)`,
          fix: 'deploy it with trafficPercent 0 first, and raise its share once it is ready',
        }));
    });
  }
}

/** The name of a predictor is that of its Deployment: KServe removes the one of before without waiting for the other. */
class PromotionRule implements IUpdateRule {
  public readonly id = 'Millrace.KservePromotion';

  public check(before: Assembly, after: Assembly): Finding[] {
    return pairsOf(before, after, 'InferenceService').flatMap((pair): Finding[] => {
      const [from, to] = [pair.before, pair.after].map(({ manifest }) => manifest.spec?.predictor ?? {});
      if ((from.name ?? '') === (to.name ?? '')) return [];
      const place = { code: this.id, path: pair.after.id };
      const name = to.name ?? 'the model';
      if (placeOf(from) === placeOf(to)) {
        return [
          {
            ...place,
            severity: ERROR,
            message: `the predictor goes by ${to.name ?? 'no name'} instead of ${from.name ?? 'none'} with the same model: KServe refuses the apply`,
            fix: 'leave promotedCandidate as it was',
          },
        ];
      }
      const candidate = candidatesOf(pair.before).find(({ predictor }) => predictor?.name === to.name);
      if (!candidate) {
        return [
          {
            ...place,
            severity: ERROR,
            message: `${name} was no candidate before: KServe makes its pods anew and removes those that serve at once, so nothing answers until a model is loaded`,
            fix: 'deploy it as candidate first; between two candidates leave promotedCandidate as it was',
          },
        ];
      }
      const own = candidatesOf(pair.after).reduce((sum, { predictor }) => sum + Number(predictor?.minReplicas ?? 0), 0);
      const [there, needed] = [Number(candidate.predictor?.minReplicas ?? 0), Number(to.minReplicas ?? 0) - own];
      if (there >= needed) return [];
      return [
        {
          ...place,
          severity: WARNING,
          message: `${name} becomes the model with ${there} of ${needed} replicas: KServe removes the pods of the former at once, and the others have yet to load`,
          fix: `raise candidate.replicas to ${needed} first, and make it the model once they are ready`,
        },
      ];
    });
  }
}

function candidatesOf({ manifest }: SynthesizedObject): any[] {
  return manifest.spec?.canary ?? [];
}

/** Where the files of a model lie, as KServe compares it. */
function placeOf(predictor: any): string {
  const variables: any[] = predictor.containers?.[0]?.env ?? [];
  return String(predictor.model?.storageUri ?? variables.find(({ name }) => name === 'STORAGE_URI')?.value ?? '');
}

/** A RayService whose cluster changes in more than its replicas is swapped as a whole. */
class RayClusterSwapRule implements IUpdateRule {
  public readonly id = 'Millrace.RayClusterSwap';

  public check(before: Assembly, after: Assembly): Finding[] {
    return pairsOf(before, after, 'RayService').flatMap((pair) => {
      const [from, to] = [pair.before, pair.after].map(({ manifest }) => manifest.spec ?? {});
      if (sameJson(withoutReplicas(from.rayClusterConfig), withoutReplicas(to.rayClusterConfig))) return [];
      const strategy = to.upgradeStrategy ?? {};
      const surge = strategy.type === 'NewClusterWithIncrementalUpgrade' ? (strategy.clusterUpgradeOptions?.maxSurgePercent ?? 100) : 100;
      return [
        {
          code: this.id,
          severity: WARNING,
          path: pair.after.id,
          message: `the cluster changes, so KubeRay makes a second one beside it and moves the traffic: that needs ${needOf(to.rayClusterConfig, surge)} more for the time`,
          fix: 'see that they are free, or that the quota and the node pool allow them; replicas alone change without a second cluster',
        },
      ];
    });
  }
}

const SCALED = ['replicas', 'minReplicas', 'maxReplicas', 'scaleStrategy'];

function withoutReplicas(cluster: any): unknown {
  const groups = (cluster?.workerGroupSpecs ?? []).map((group: object) =>
    Object.fromEntries(Object.entries(group).filter(([key]) => !SCALED.includes(key))),
  );
  return { ...cluster, workerGroupSpecs: groups };
}

/** GPUs, or where there are none pods, of the share that stands beside the running cluster. */
function needOf(cluster: any, percent: number): string {
  const groups: any[] = cluster?.workerGroupSpecs ?? [];
  const perPod = (group: any): number =>
    Object.entries(group.template?.spec?.containers?.[0]?.resources?.limits ?? {})
      .filter(([name]) => name.startsWith('nvidia.com/'))
      .reduce((sum, [, count]) => sum + Number(count), 0);
  const most = (group: any): number => Math.ceil((Number(group.maxReplicas ?? group.replicas ?? 0) * percent) / 100);
  const gpus = groups.reduce((sum, group) => sum + perPod(group) * most(group), 0);
  return gpus > 0 ? `up to ${gpus} GPUs` : `up to ${groups.reduce((sum, group) => sum + most(group), 0)} pods of its workers`;
}

/** The update rules for endpoints on KServe and Ray. */
export class KserveUpdateRules {
  /** Endpoints that leave, a changed mode, a candidate that comes, goes or becomes the model, and a cluster that is swapped. */
  public static all(): IUpdateRule[] {
    return [
      new EndpointRemovalRule(),
      new DeploymentModeRule(),
      new CandidateRule(),
      new CandidateUnreadyRule(),
      new PromotionRule(),
      new RayClusterSwapRule(),
    ];
  }

  private constructor() {}
}
