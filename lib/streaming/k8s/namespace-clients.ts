/** Which pods of another namespace are let in. */
export interface NamespaceClients {
  /**
   * Labels of the pods.
   * @default - the label of a client, `millrace.io/kafka-<clusterName>: client`
   */
  readonly podLabels?: { [key: string]: string };
}
