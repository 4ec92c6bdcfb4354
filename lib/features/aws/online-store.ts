import type * as kms from 'aws-cdk-lib/aws-kms';

/** How fast records are read. Values are those of CloudFormation. */
export enum OnlineStorageType {
  /** A key-value store: single-digit milliseconds. */
  STANDARD = 'Standard',
  /** In memory: below that, at a higher price and without an offline store. */
  IN_MEMORY = 'InMemory',
}

/** Options of an online store. */
export interface OnlineStoreOptions {
  /**
   * Customer key of this group alone. Changing it replaces the group.
   * @default - that of the feature store
   */
  readonly encryptionKey?: kms.IKey;
}

/** Where the newest record of each entity is read from. Changing it replaces the group, which starts empty. */
export class OnlineStore {
  /** A key-value store. */
  public static standard(options: OnlineStoreOptions = {}): OnlineStore {
    return new OnlineStore(OnlineStorageType.STANDARD, options.encryptionKey);
  }

  /** Memory. SageMaker writes none of it to an offline store, so training needs a sink of its own from the same source. */
  public static inMemory(options: OnlineStoreOptions = {}): OnlineStore {
    return new OnlineStore(OnlineStorageType.IN_MEMORY, options.encryptionKey);
  }

  /** None: the group is for training alone. */
  public static none(): OnlineStore {
    return new OnlineStore();
  }

  private constructor(
    /** How fast records are read; none without an online store. */
    public readonly storageType?: OnlineStorageType,
    /** Customer key of this group alone. */
    public readonly encryptionKey?: kms.IKey,
  ) {}

  /** Whether there is one. */
  public get enabled(): boolean {
    return this.storageType !== undefined;
  }
}
