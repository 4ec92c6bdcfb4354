import type { ListenerSurroundings } from './listener-surroundings';

/** How clients of a listener prove who they are. Every listener is encrypted. */
export enum ListenerAuthentication {
  /** A client certificate of a `KafkaUser`. */
  TLS = 'tls',
  /** User name and password of a `KafkaUser`, by SASL/SCRAM-SHA-512. */
  SCRAM_SHA_512 = 'scram-sha-512',
}

/** What every listener takes. */
export interface ListenerOptions {
  /** Name: 1-11 lower-case letters or digits, other than `tls`. It is part of the names of services and of certificates. */
  readonly name: string;
  /** Port inside the cluster: 9092-65535, other than 9093 (the default listener), 9404 (metrics) and 9999 (JMX). */
  readonly port: number;
  /**
   * How clients prove who they are.
   * @default ListenerAuthentication.TLS
   */
  readonly authentication?: ListenerAuthentication;
  /**
   * Connections that a broker takes on this listener.
   * @default - no limit
   */
  readonly maxConnections?: number;
}

/** What a load-balanced listener takes. */
export interface LoadBalancerListenerOptions extends ListenerOptions {
  /** IPv4 ranges that may connect; the load balancer refuses the others where its platform can. */
  readonly allowedCidrs: string[];
  /**
   * Whether the load balancers have public addresses.
   * @default false: they are internal, by the annotations of AWS, Azure and Google Cloud
   */
  readonly internetFacing?: boolean;
  /**
   * Further annotations of the services, for the controller that makes the load balancers.
   * @default - none
   */
  readonly annotations?: { [key: string]: string };
}

/** What a node-port listener takes. */
export interface NodePortListenerOptions extends ListenerOptions {
  /** IPv4 ranges that may connect, by network policy. */
  readonly allowedCidrs: string[];
}

/** What a listener behind OpenShift routes takes. */
export interface RouteListenerOptions extends ListenerOptions {
  /**
   * Host name of the bootstrap route.
   * @default - one of the router's
   */
  readonly bootstrapHost?: string;
  /**
   * Namespace of the router, whose pods may connect.
   * @default openshift-ingress
   */
  readonly routerNamespace?: string;
}

/** What a listener behind a gateway takes. */
export interface TlsRouteListenerOptions extends ListenerOptions {
  /** Host name of the bootstrap route. */
  readonly bootstrapHost: string;
  /** Host names of the brokers, with `{nodeId}` or `{nodePodName}`, for example `broker-{nodeId}.kafka.example.com`. */
  readonly hostTemplate: string;
  /** Name of the Gateway; it needs a listener with TLS passthrough. */
  readonly gatewayName: string;
  /** Namespace of the Gateway, whose pods may connect. */
  readonly gatewayNamespace: string;
}

type Fields = Record<string, unknown>;

// Each cloud knows its own; the others pass them over.
const INTERNAL_LOAD_BALANCER: Readonly<Record<string, string>> = {
  'networking.gke.io/load-balancer-type': 'Internal',
  'service.beta.kubernetes.io/aws-load-balancer-internal': 'true',
  'service.beta.kubernetes.io/aws-load-balancer-scheme': 'internal',
  'service.beta.kubernetes.io/azure-load-balancer-internal': 'true',
};
const INTERNET_FACING: Readonly<Record<string, string>> = { 'service.beta.kubernetes.io/aws-load-balancer-scheme': 'internet-facing' };
const DEFAULT_ROUTER_NAMESPACE = 'openshift-ingress';
const SCRAM_PORT = 9095;

const inNamespace = (name: string): Fields => ({ namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': name } } });

/** A listener of a Strimzi cluster beside the default one, encrypted and authenticated. */
export class Listener {
  /** SCRAM-SHA-512 over TLS inside Kubernetes, for clients without certificates: `scram` on port 9095. */
  public static scram(): Listener {
    return Listener.internal({ name: 'scram', port: SCRAM_PORT, authentication: ListenerAuthentication.SCRAM_SHA_512 });
  }

  /** A listener inside Kubernetes. */
  public static internal(options: ListenerOptions): Listener {
    return new Listener('internal', options, ({ clusterName, serviceSuffix }) => ({
      peers: 'clients',
      bootstrap: `${clusterName}-kafka-bootstrap${serviceSuffix}:${options.port}`,
    }));
  }

  /** A listener inside Kubernetes with a service for each broker, for a proxy or an ingress of one's own. */
  public static clusterIp(options: ListenerOptions): Listener {
    return new Listener('cluster-ip', options, ({ clusterName, serviceSuffix }) => ({
      peers: 'clients',
      bootstrap: `${clusterName}-kafka-${options.name}-bootstrap${serviceSuffix}:${options.port}`,
    }));
  }

  /** A listener for clients outside Kubernetes, with one load balancer for the bootstrap and one for each broker. */
  public static loadBalancer(options: LoadBalancerListenerOptions): Listener {
    return new Listener(
      'loadbalancer',
      options,
      ({ tags }) => {
        const scheme = options.internetFacing ? INTERNET_FACING : INTERNAL_LOAD_BALANCER;
        const annotations = { ...scheme, ...tags(), ...options.annotations };
        return {
          // What connects is a load balancer or a node, whose addresses are not known here: the load balancer decides who may.
          peers: 'anyone',
          configuration: {
            loadBalancerSourceRanges: options.allowedCidrs,
            externalTrafficPolicy: 'Local',
            bootstrap: { annotations },
            perBrokerAnnotationsTemplate: annotations,
          },
        };
      },
      options.allowedCidrs ?? [],
    );
  }

  /** A listener for clients outside Kubernetes, on a port of every node. */
  public static nodePort(options: NodePortListenerOptions): Listener {
    return new Listener(
      'nodeport',
      options,
      () => ({
        peers: options.allowedCidrs.map((cidr) => ({ ipBlock: { cidr } })),
        // Otherwise the network policy sees the address of a node instead of the client's.
        configuration: { externalTrafficPolicy: 'Local' },
      }),
      options.allowedCidrs ?? [],
    );
  }

  /** A listener for clients outside OpenShift, behind routes with TLS passthrough. */
  public static route(options: RouteListenerOptions): Listener {
    return new Listener('route', options, () => ({
      peers: [inNamespace(options.routerNamespace ?? DEFAULT_ROUTER_NAMESPACE)],
      configuration: options.bootstrapHost ? { bootstrap: { host: options.bootstrapHost } } : undefined,
      bootstrap: options.bootstrapHost && `${options.bootstrapHost}:443`,
    }));
  }

  /** A listener for clients outside Kubernetes, behind TLSRoutes of the Gateway API. */
  public static tlsRoute(options: TlsRouteListenerOptions): Listener {
    return new Listener('tlsroute', options, () => ({
      peers: [inNamespace(options.gatewayNamespace)],
      configuration: {
        bootstrap: { host: options.bootstrapHost },
        hostTemplate: options.hostTemplate,
        parentRefs: [
          { group: 'gateway.networking.k8s.io', kind: 'Gateway', name: options.gatewayName, namespace: options.gatewayNamespace },
        ],
      },
      bootstrap: `${options.bootstrapHost}:443`,
    }));
  }

  /** Name of the listener. */
  public readonly name: string;
  /** Port inside the cluster. */
  public readonly port: number;
  /** How clients prove who they are. */
  public readonly authentication: ListenerAuthentication;
  /** @internal */
  public readonly _maxConnections?: number;

  private constructor(
    /** Type as Strimzi spells it, for example `loadbalancer`. */
    public readonly type: string,
    options: ListenerOptions,
    private readonly details: (surroundings: ListenerSurroundings) => ListenerDetails,
    /** @internal */
    public readonly _allowedCidrs?: readonly string[],
  ) {
    this.name = options.name;
    this.port = options.port;
    this.authentication = options.authentication ?? ListenerAuthentication.TLS;
    this._maxConnections = options.maxConnections;
  }

  /**
   * The listener as Strimzi reads it; to be called late.
   * @internal
   */
  public _render(surroundings: ListenerSurroundings): Fields {
    const { peers, configuration } = this.details(surroundings);
    const limits = this._maxConnections === undefined ? undefined : { maxConnections: this._maxConnections };
    return {
      name: this.name,
      port: this.port,
      type: this.type,
      tls: true,
      authentication: { type: this.authentication },
      ...(configuration || limits ? { configuration: { ...configuration, ...limits } } : {}),
      ...(peers === 'anyone' ? {} : { networkPolicyPeers: peers === 'clients' ? surroundings.peers() : peers }),
    };
  }

  /**
   * `host:port` of the bootstrap, where it is known before the deployment.
   * @internal
   */
  public _bootstrap(surroundings: ListenerSurroundings): string | undefined {
    return this.details(surroundings).bootstrap;
  }
}

interface ListenerDetails {
  readonly peers: 'clients' | 'anyone' | Fields[];
  readonly configuration?: Fields;
  readonly bootstrap?: string;
}
