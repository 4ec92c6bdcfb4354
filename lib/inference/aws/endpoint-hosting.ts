import { enforce } from '../../core/rule';
import { ASYNCHRONOUS_RULES, INSTANCE_RULES, REAL_TIME_RULES, SERVERLESS_RULES } from './hosting-rules';
import type {
  AsynchronousHostingOptions,
  InstanceHostingOptions,
  RealTimeHostingOptions,
  ServerlessHostingOptions,
} from './hosting-options';

/** How an endpoint is hosted. */
export enum EndpointHostingKind {
  /** On instances that answer at once. */
  REAL_TIME = 'realTime',
  /** Without instances. */
  SERVERLESS = 'serverless',
  /** On instances that work off a queue. */
  ASYNCHRONOUS = 'asynchronous',
}

interface HostingFields {
  readonly realTime?: RealTimeHostingOptions;
  readonly asynchronous?: AsynchronousHostingOptions;
  readonly serverless?: ServerlessHostingOptions;
}

/** On what SageMaker runs an endpoint. */
export class EndpointHosting {
  /**
   * On instances that answer at once: payloads to 25 MB, answers within 60 seconds (SageMaker developer guide, inference options).
   *
   * @throws Millrace.EndpointHostingInvalid, Millrace.EndpointVolumeUnsupported, Millrace.EndpointVariantsInvalid,
   * Millrace.EndpointShadowUnsupported, Millrace.TokenRefused
   */
  public static realTime(options: RealTimeHostingOptions): EndpointHosting {
    enforce('EndpointHosting.realTime', options, [...INSTANCE_RULES, ...REAL_TIME_RULES]);
    return new EndpointHosting(EndpointHostingKind.REAL_TIME, { realTime: options });
  }

  /**
   * On instances that work off a queue: payloads to 1 GB, answers within an hour, down to no instance (SageMaker developer guide, asynchronous
   * inference).
   *
   * @throws Millrace.EndpointHostingInvalid, Millrace.EndpointVolumeUnsupported, Millrace.TokenRefused
   */
  public static asynchronous(options: AsynchronousHostingOptions): EndpointHosting {
    enforce('EndpointHosting.asynchronous', options, [...INSTANCE_RULES, ...ASYNCHRONOUS_RULES]);
    return new EndpointHosting(EndpointHostingKind.ASYNCHRONOUS, { asynchronous: options });
  }

  /**
   * Without instances: payloads to 4 MB, answers within 60 seconds, no GPU, no VPC, no capture, no guardrails (SageMaker developer guide,
   * serverless inference).
   *
   * @throws Millrace.EndpointHostingInvalid, Millrace.TokenRefused
   */
  public static serverless(options: ServerlessHostingOptions): EndpointHosting {
    enforce('EndpointHosting.serverless', options, SERVERLESS_RULES);
    return new EndpointHosting(EndpointHostingKind.SERVERLESS, { serverless: options });
  }

  /** @internal */
  public readonly _realTime?: RealTimeHostingOptions;
  /** @internal */
  public readonly _asynchronous?: AsynchronousHostingOptions;
  /** @internal */
  public readonly _serverless?: ServerlessHostingOptions;

  private constructor(
    /** How it is hosted. */
    public readonly kind: EndpointHostingKind,
    fields: HostingFields,
    /** @internal */
    public readonly _replicas?: number,
  ) {
    this._realTime = fields.realTime;
    this._asynchronous = fields.asynchronous;
    this._serverless = fields.serverless;
  }

  /**
   * The same with replicas that a sizing of another kind decided.
   * @internal
   */
  public _ofReplicas(replicas: number): EndpointHosting {
    const { kind, _realTime: realTime, _asynchronous: asynchronous, _serverless: serverless } = this;
    return new EndpointHosting(kind, { realTime, asynchronous, serverless }, replicas);
  }

  /** Name of the first variant. */
  public get variantName(): string {
    return (this._instances ?? this._serverless)?.variantName ?? 'AllTraffic';
  }

  /**
   * What is the same for all that stands on instances.
   * @internal
   */
  public get _instances(): InstanceHostingOptions | undefined {
    return this._realTime ?? this._asynchronous;
  }
}
