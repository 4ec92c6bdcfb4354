import { type Rule, enforce } from '../../core/rule';

/** Images of one release, by component, with tag or digest. */
export interface ConfluentImageNames {
  /** Image of brokers and controllers, `cp-server`. */
  readonly server: string;
  /** Image of Schema Registry, `cp-schema-registry`. */
  readonly schemaRegistry: string;
  /** Image of Connect workers, `cp-server-connect` or one of your own with plugins. */
  readonly connect: string;
  /** Image of the init containers, `confluent-init-container`, of the operator's own release. */
  readonly init: string;
}

// Role bindings with client certificates need Confluent Platform 7.8 (Confluent documentation, Configure mTLS RBAC); what CFK 3.3 runs ends
// at 8.3 (release notes of CFK 3.3.0).
const FIRST_PLATFORM: readonly [number, number] = [7, 8];

/** The container images of a Confluent cluster. There is no default: the init container must be of the release of the installed operator. */
export class ConfluentImages {
  /**
   * The images of a release from Docker Hub, for example `8.3.0` with operator `3.3.0`, which runs Confluent Platform 7.5 to 8.3.
   *
   * @param platformVersion Release of Confluent Platform, 7.8 or later.
   * @param operatorVersion Release of Confluent for Kubernetes.
   * @throws Millrace.ConfluentImagesInvalid
   */
  public static release(platformVersion: string, operatorVersion: string): ConfluentImages {
    enforce('ConfluentImages.release', { platformVersion, operatorVersion }, RELEASE_RULES);
    const platform = (name: string) => `confluentinc/${name}:${platformVersion}`;
    return new ConfluentImages({
      server: platform('cp-server'),
      schemaRegistry: platform('cp-schema-registry'),
      connect: platform('cp-server-connect'),
      init: `confluentinc/confluent-init-container:${operatorVersion}`,
    });
  }

  /**
   * Images of your own registry.
   *
   * @throws Millrace.ConfluentImagesInvalid
   */
  public static custom(names: ConfluentImageNames): ConfluentImages {
    enforce('ConfluentImages.custom', names, NAME_RULES);
    return new ConfluentImages(names);
  }

  private constructor(
    /** @internal */
    public readonly _names: ConfluentImageNames,
  ) {}

  /**
   * The image of one component as the operator reads it.
   * @internal
   */
  public _of(component: 'server' | 'schemaRegistry' | 'connect'): Record<string, string> {
    return { application: this._names[component], init: this._names.init };
  }
}

interface Release {
  readonly platformVersion: string;
  readonly operatorVersion: string;
}

const RELEASE = /^(\d+)\.(\d+)\.\d+$/;
const RELEASE_RULES: Rule<Release>[] = [
  {
    code: 'Millrace.ConfluentImagesInvalid',
    subject: 'platformVersion',
    value: (release) => release.platformVersion ?? null,
    valid: (version: unknown) => {
      const [, major, minor] = RELEASE.exec(String(version)) ?? [];
      return Number(major) > FIRST_PLATFORM[0] || (Number(major) === FIRST_PLATFORM[0] && Number(minor) >= FIRST_PLATFORM[1]);
    },
    allowed: 'a release from 7.8, for example 8.3.0: earlier ones have no role bindings for client certificates',
    fix: 'use 8.3.0',
    tokens: 'refuse',
  },
  {
    code: 'Millrace.ConfluentImagesInvalid',
    subject: 'operatorVersion',
    value: (release) => release.operatorVersion ?? null,
    valid: (version: unknown) => RELEASE.test(String(version)),
    allowed: 'a release of Confluent for Kubernetes, for example 3.3.0',
    fix: 'use that of the installed operator: helm list',
    tokens: 'refuse',
  },
];
const NAME_RULES: Rule<ConfluentImageNames>[] = (['server', 'schemaRegistry', 'connect', 'init'] as const).map((component) => ({
  code: 'Millrace.ConfluentImagesInvalid',
  subject: component,
  value: (names) => names[component] ?? null,
  valid: (name: unknown) => /^\S+(:[\w][\w.-]*|@sha256:[0-9a-f]{64})$/.test(String(name)),
  allowed: 'an image with tag or digest',
  fix: 'append the tag',
}));
