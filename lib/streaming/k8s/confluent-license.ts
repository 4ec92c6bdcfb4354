/** The licence of Confluent Platform. Without one it runs for 30 days and then stops (Confluent documentation, Confluent Platform Licenses). */
export class ConfluentLicense {
  /** The licence that the operator was installed with. */
  public static ofOperator(): ConfluentLicense {
    return new ConfluentLicense({ globalLicense: true });
  }

  /** A licence in a secret of the cluster's namespace, as the key `license.txt`. */
  public static fromSecret(secretName: string): ConfluentLicense {
    return new ConfluentLicense({ secretRef: secretName });
  }

  private constructor(
    /** @internal */
    public readonly _spec: Record<string, unknown>,
  ) {}
}
