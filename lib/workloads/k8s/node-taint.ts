/** What keeps pods that do not tolerate it off a node. */
export class NodeTaint {
  /** Pods without the toleration are not placed here. */
  public static noSchedule(key: string, value?: string): NodeTaint {
    return new NodeTaint(key, 'NoSchedule', value);
  }

  /** Pods without the toleration are placed elsewhere when there is room. */
  public static preferNoSchedule(key: string, value?: string): NodeTaint {
    return new NodeTaint(key, 'PreferNoSchedule', value);
  }

  /** Pods without the toleration are not placed here, and evicted. */
  public static noExecute(key: string, value?: string): NodeTaint {
    return new NodeTaint(key, 'NoExecute', value);
  }

  private constructor(
    /** Key of the taint. */
    public readonly key: string,
    /** What happens to pods that do not tolerate it. */
    public readonly effect: string,
    /** Value of the taint, when it has one. */
    public readonly value?: string,
  ) {}
}
