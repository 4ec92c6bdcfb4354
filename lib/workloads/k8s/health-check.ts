import { PORT_NAME } from './port-name';

/** Paths on which a container answers about itself. */
export interface HttpHealthOptions {
  /**
   * Path that fails only when a restart would help.
   * @default '/livez'
   */
  readonly livenessPath?: string;
  /**
   * Path that fails while no traffic should come.
   * @default '/readyz'
   */
  readonly readinessPath?: string;
}

/** Commands that are run in a container and fail by their exit code. */
export interface CommandHealthOptions {
  /** Command that fails only when a restart would help. */
  readonly liveness: string[];
  /**
   * Command that fails while no traffic should come.
   * @default - a container that lives is ready
   */
  readonly readiness?: string[];
}

type Handler = Readonly<Record<string, unknown>>;

/** How a container tells how it is: asked while it starts (for five minutes at most), while it lives, and before it gets traffic. */
export class HealthCheck {
  /** Two paths over HTTP on the port of the container. */
  public static http(options: HttpHealthOptions = {}): HealthCheck {
    const get = (path: string) => ({ httpGet: { path, port: PORT_NAME } });
    return new HealthCheck(true, get(options.livenessPath ?? '/livez'), get(options.readinessPath ?? '/readyz'));
  }

  /** A connection to the port of the container; it tells a hung process from a live one only as far as the kernel does. */
  public static tcp(): HealthCheck {
    const connect = { tcpSocket: { port: PORT_NAME } };
    return new HealthCheck(true, connect, connect);
  }

  /** Commands in the container, for what has no port. */
  public static command(options: CommandHealthOptions): HealthCheck {
    const exec = (command: string[]) => ({ exec: { command } });
    return new HealthCheck(false, exec(options.liveness), options.readiness && exec(options.readiness));
  }

  private constructor(
    /** Whether the container must have a port. */
    public readonly needsPort: boolean,
    private readonly liveness: Handler,
    private readonly readiness: Handler | undefined,
  ) {}

  /**
   * The probes of the container.
   * @internal
   */
  public _probes(): Record<string, unknown> {
    const probe = (handler: Handler, timing: Record<string, number>) => ({ ...handler, timeoutSeconds: 2, ...timing });
    return {
      startupProbe: probe(this.liveness, { periodSeconds: 5, failureThreshold: 60 }),
      livenessProbe: probe(this.liveness, { periodSeconds: 10, failureThreshold: 6 }),
      ...(this.readiness ? { readinessProbe: probe(this.readiness, { periodSeconds: 5, failureThreshold: 2 }) } : {}),
    };
  }
}
