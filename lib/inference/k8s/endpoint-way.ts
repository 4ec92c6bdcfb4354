/** What a grant opens. */
export interface EndpointWay {
  readonly endpointName: string;
  readonly url: string;
  readonly namespace?: string;
  readonly podSelector: { [key: string]: string };
  readonly port: number;
  /** Whether nobody but a gateway may call the pods, because it divides the traffic. */
  readonly isBehindGateway?: boolean;
  /** Lets a caller in; an imported endpoint has no network of ours. */
  readonly admit?: (podSelector: { [key: string]: string }, namespace?: string) => void;
}
