/** Which names the metrics of a cluster have in Prometheus: a rule written for one of these matches nothing under another. */
export enum KafkaMetricNames {
  /** Those of the Strimzi Metrics Reporter, which derives them from Kafka's own. */
  STRIMZI_METRICS_REPORTER = 'strimzi-metrics-reporter',
  /** Those that the user's rules of the Prometheus JMX exporter make. */
  JMX_EXPORTER = 'jmx-exporter',
  /** Those that the JMX exporter in Confluent's images makes. */
  CONFLUENT_JMX_EXPORTER = 'confluent-jmx-exporter',
}
