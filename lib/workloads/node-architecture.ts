/** Processor architectures that the images of a pool are built for. */
export class NodeArchitecture {
  /** Intel and AMD. */
  public static readonly AMD64 = new NodeArchitecture(['amd64']);
  /** Graviton: about a fifth cheaper, for images built for arm64. */
  public static readonly ARM64 = new NodeArchitecture(['arm64']);
  /** Either, when every image is built for both. */
  public static readonly ANY = new NodeArchitecture(['amd64', 'arm64']);

  private constructor(
    /** Values of the label `kubernetes.io/arch`. */
    public readonly names: string[],
  ) {}
}
