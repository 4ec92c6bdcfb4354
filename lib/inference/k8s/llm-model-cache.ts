/** What keeps the files of a model from being fetched at every start. */
export enum LlmModelCacheKind {
  /** Nothing. */
  NONE = 'none',
  /** A volume that all pods share. */
  PERSISTENT_VOLUME = 'persistentVolume',
  /** KServe's cache on the disks of nodes. */
  KSERVE_LOCAL_MODEL = 'kserveLocalModelCache',
}

/** Where files and compiled kernels stay between starts, so that a replica is there in a minute instead of twenty (KServe, issue 3869). */
export class LlmModelCache {
  /** Each pod fetches the files and compiles for itself, on the disk of its node, which must have room for them. */
  public static none(): LlmModelCache {
    return new LlmModelCache(LlmModelCacheKind.NONE);
  }

  /** A claim with access mode ReadWriteMany that all pods share: the first one fills it with the files and the compiled kernels. */
  public static persistentVolume(claimName: string): LlmModelCache {
    return new LlmModelCache(LlmModelCacheKind.PERSISTENT_VOLUME, claimName);
  }

  /** KServe's LocalModelCache: the files are on the nodes of these groups (LocalModelNodeGroup) before a pod is. For `LlmServing.kserve`. */
  public static kserveLocalModelCache(nodeGroups: string[]): LlmModelCache {
    return new LlmModelCache(LlmModelCacheKind.KSERVE_LOCAL_MODEL, undefined, nodeGroups);
  }

  private constructor(
    /** What keeps the files. */
    public readonly kind: LlmModelCacheKind,
    /** Name of the claim. */
    public readonly claimName?: string,
    /** Groups of nodes. */
    public readonly nodeGroups?: string[],
  ) {}
}
