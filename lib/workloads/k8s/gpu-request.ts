import { enforce, isPositiveInteger } from '../../core/rule';
import { LABEL_VALUE } from './kubernetes-syntax';

const PRODUCT_LABEL = 'nvidia.com/gpu.product';
const KARPENTER_LABEL = 'karpenter.k8s.aws/instance-gpu-name';

/** Which GPU a pod needs, as the label of a node. */
export class GpuModel {
  /**
   * A model as GPU feature discovery labels running nodes, for example `NVIDIA-L4`. Karpenter cannot start a node for it: the label comes
   * after the node.
   *
   * @throws Millrace.GpuRequestInvalid
   */
  public static product(name: string): GpuModel {
    return new GpuModel(PRODUCT_LABEL, checked(name, 'GpuModel.product'));
  }

  /**
   * A model as Karpenter names it on AWS, for example `l4`; Karpenter starts a node that has it.
   *
   * @throws Millrace.GpuRequestInvalid
   */
  public static karpenter(name: string): GpuModel {
    return new GpuModel(KARPENTER_LABEL, checked(name, 'GpuModel.karpenter'));
  }

  private constructor(
    /** Label of the node. */
    public readonly label: string,
    /** Value of the label. */
    public readonly value: string,
  ) {}
}

/** What keeps the work of two pods on one GPU apart. */
export enum GpuIsolation {
  /** The GPU is not shared. */
  EXCLUSIVE = 'exclusive: the GPU is not shared',
  /** A partition in hardware: its own memory, cache and compute units. */
  PARTITION = 'partition: own memory, own compute units, faults stay inside',
  /** Nothing: pods take turns. */
  NONE = 'none: no memory or fault isolation',
}

/** GPUs of a pod: a resource of the NVIDIA device plugin, whose request is its limit. */
export class GpuRequest {
  /**
   * Whole GPUs, 1-16.
   *
   * @throws Millrace.GpuRequestInvalid
   */
  public static whole(count: number, model?: GpuModel): GpuRequest {
    return new GpuRequest('nvidia.com/gpu', count, GpuIsolation.EXCLUSIVE, model);
  }

  /**
   * Partitions of a GPU under the MIG strategy `mixed`, by their profile, for example `1g.10gb`.
   *
   * @throws Millrace.GpuRequestInvalid
   */
  public static mig(profile: string, count: number, model?: GpuModel): GpuRequest {
    enforce('GpuRequest.mig', { profile }, [
      {
        code: 'Millrace.GpuRequestInvalid',
        subject: 'profile',
        value: (input) => input.profile,
        valid: (given: string) => /^[1-7]g\.[1-9]\d{0,2}gb(\.me)?$/.test(given),
        allowed: "a profile as NVIDIA names it: '1g.10gb', '3g.40gb', '1g.10gb.me'",
        fix: 'use a profile that nvidia-smi mig -lgip lists',
        tokens: 'refuse',
      },
    ]);
    return new GpuRequest(`nvidia.com/mig-${profile}`, count, GpuIsolation.PARTITION, model);
  }

  /**
   * One turn on a GPU that pods share in time, where the device plugin shares with `renameByDefault: true`. There is no count: a second turn
   * would give no second share. One pod can take all memory of the GPU from the others, and its fault ends them.
   */
  public static timeSlice(model?: GpuModel): GpuRequest {
    return new GpuRequest('nvidia.com/gpu.shared', 1, GpuIsolation.NONE, model);
  }

  private constructor(
    /** Name of the extended resource. */
    public readonly resourceName: string,
    /** How many of it each pod gets. */
    public readonly count: number,
    /** What keeps pods on one GPU apart; recorded in the annotation `millrace.io/gpu-isolation`. */
    public readonly isolation: GpuIsolation,
    /** The model, when it matters. */
    public readonly model?: GpuModel,
  ) {
    enforce('GpuRequest', { count }, [
      {
        code: 'Millrace.GpuRequestInvalid',
        subject: 'count',
        value: (input) => input.count,
        valid: (given: number) => isPositiveInteger(given) && given <= 16,
        allowed: 'a whole number from 1 to 16, the GPUs of the largest node',
        fix: 'use 1, or spread the work over pods',
        tokens: 'refuse',
      },
    ]);
  }
}

function checked(name: string, scope: string): string {
  enforce(scope, { name }, [
    {
      code: 'Millrace.GpuRequestInvalid',
      subject: 'name',
      value: (input) => input.name,
      valid: (given: string) => given !== '' && LABEL_VALUE.test(given),
      allowed: 'the value of a node label: at most 63 letters, digits, -, _ or .',
      fix: 'read it from a node: kubectl get nodes -L nvidia.com/gpu.product,karpenter.k8s.aws/instance-gpu-name',
      tokens: 'refuse',
    },
  ]);
  return name;
}
