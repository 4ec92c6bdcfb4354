import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Properties;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.AlterConfigOp;
import org.apache.kafka.clients.admin.Config;
import org.apache.kafka.clients.admin.ConfigEntry;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.clients.admin.QuorumInfo;
import org.apache.kafka.clients.admin.ScramCredentialInfo;
import org.apache.kafka.clients.admin.ScramMechanism;
import org.apache.kafka.clients.admin.TopicDescription;
import org.apache.kafka.clients.admin.UserScramCredentialUpsertion;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.ConsumerRecords;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.KafkaFuture;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.acl.AccessControlEntry;
import org.apache.kafka.common.acl.AclBinding;
import org.apache.kafka.common.acl.AclBindingFilter;
import org.apache.kafka.common.acl.AclOperation;
import org.apache.kafka.common.acl.AclPermissionType;
import org.apache.kafka.common.config.ConfigResource;
import org.apache.kafka.common.errors.UnknownTopicOrPartitionException;
import org.apache.kafka.common.quota.ClientQuotaAlteration;
import org.apache.kafka.common.quota.ClientQuotaEntity;
import org.apache.kafka.common.quota.ClientQuotaFilter;
import org.apache.kafka.common.resource.PatternType;
import org.apache.kafka.common.resource.ResourcePattern;
import org.apache.kafka.common.resource.ResourceType;
import org.apache.kafka.common.serialization.StringDeserializer;
import org.apache.kafka.common.serialization.StringSerializer;

/**
 * What Kafka's own clients say of a cluster: reads a request a line of JSON, `{id, op, client, ...}`, and answers one a line, in the order in
 * which they are done. `client` is the client's configuration, so that the same request can be made as anybody.
 */
public class KafkaProbe {
  private static final ObjectMapper JSON = new ObjectMapper();
  private static final Duration PATIENCE = Duration.ofSeconds(15);
  private static final PrintStream ANSWERS = System.out;

  public static void main(String[] words) throws Exception {
    // The answers have standard output to themselves.
    System.setOut(System.err);
    // Two cores: more at once only makes each wait longer.
    ExecutorService workers = Executors.newFixedThreadPool(4);
    BufferedReader requests = new BufferedReader(new InputStreamReader(System.in));
    for (String line = requests.readLine(); line != null; line = requests.readLine()) {
      JsonNode request = JSON.readTree(line);
      workers.submit(() -> answer(request));
    }
    // Whoever asked is gone.
    Runtime.getRuntime().halt(0);
  }

  private static void answer(JsonNode request) {
    ObjectNode answer = JSON.createObjectNode().put("id", request.get("id").asLong());
    try {
      answer.set("result", perform(request));
    } catch (Throwable thrown) {
      Throwable cause = thrown instanceof ExecutionException && thrown.getCause() != null ? thrown.getCause() : thrown;
      // The consumer and the producer wrap what the broker said once more.
      if (cause.getClass().getName().equals("org.apache.kafka.common.KafkaException") && cause.getCause() != null) cause = cause.getCause();
      answer.put("error", cause.getClass().getSimpleName()).put("message", String.valueOf(cause.getMessage()));
    }
    synchronized (ANSWERS) {
      ANSWERS.println(answer);
      ANSWERS.flush();
    }
  }

  private static JsonNode perform(JsonNode request) throws Exception {
    String op = request.get("op").asText();
    switch (op) {
      case "produce":
        return produce(request);
      case "transact":
        return transact(request);
      case "consume":
        return consume(request);
      case "read":
        return read(request);
      default:
        try (Admin admin = Admin.create(properties(request))) {
          return administer(admin, op, request);
        }
    }
  }

  private static JsonNode administer(Admin admin, String op, JsonNode request) throws Exception {
    switch (op) {
      case "nodes":
        return JSON.getNodeFactory().numberNode(get(admin.describeCluster().nodes()).size());
      case "createTopic":
        NewTopic topic = new NewTopic(request.get("topic").asText(), request.get("partitions").asInt(), (short) request.get("replicas").asInt());
        get(admin.createTopics(List.of(topic.configs(strings(request.get("config"))))).all());
        return null;
      case "deleteTopic":
        get(admin.deleteTopics(List.of(request.get("topic").asText())).all());
        return null;
      case "listTopics":
        return JSON.valueToTree(get(admin.listTopics().names()));
      case "describeTopic":
        return onceKnown(() -> describeTopic(admin, request.get("topic").asText()));
      case "describeBroker":
        return settings(admin, new ConfigResource(ConfigResource.Type.BROKER, request.get("broker").asText()));
      case "alterTopicConfig":
        return alterTopicConfig(admin, request);
      case "createScramUser":
        ScramCredentialInfo scram = new ScramCredentialInfo(ScramMechanism.SCRAM_SHA_512, 4096);
        var upsertion = new UserScramCredentialUpsertion(request.get("user").asText(), scram, request.get("password").asText());
        get(admin.alterUserScramCredentials(List.of(upsertion)).all());
        return null;
      case "createAcls":
        get(admin.createAcls(acls(request)).all());
        return null;
      case "describeAcls":
        return JSON.getNodeFactory().numberNode(get(admin.describeAcls(AclBindingFilter.ANY).values()).size());
      case "settled":
        return JSON.getNodeFactory().booleanNode(settled(admin));
      case "alterQuota":
        return alterQuota(admin, request);
      case "describeQuota":
        return describeQuota(admin, request.get("user").asText());
      default:
        throw new IllegalArgumentException("no operation " + op);
    }
  }

  /** A broker may be asked for a new topic before it has heard of it. */
  private static JsonNode onceKnown(Callable<JsonNode> call) throws Exception {
    for (long deadline = System.nanoTime() + PATIENCE.toNanos(); ; Thread.sleep(50)) {
      try {
        return call.call();
      } catch (ExecutionException thrown) {
        if (!(thrown.getCause() instanceof UnknownTopicOrPartitionException) || System.nanoTime() > deadline) throw thrown;
      }
    }
  }

  private static JsonNode describeTopic(Admin admin, String name) throws Exception {
    TopicDescription topic = get(admin.describeTopics(List.of(name)).allTopicNames()).get(name);
    ObjectNode answer = JSON.createObjectNode();
    answer.put("partitions", topic.partitions().size());
    answer.put("replicas", topic.partitions().get(0).replicas().size());
    answer.set("config", settings(admin, new ConfigResource(ConfigResource.Type.TOPIC, name)));
    return answer;
  }

  private static JsonNode settings(Admin admin, ConfigResource resource) throws Exception {
    Config config = get(admin.describeConfigs(List.of(resource)).all()).get(resource);
    ObjectNode answer = JSON.createObjectNode();
    for (ConfigEntry entry : config.entries()) {
      answer.putObject(entry.name()).put("value", entry.value()).put("source", entry.source().name()).put("type", entry.type().name());
    }
    return answer;
  }

  private static JsonNode alterTopicConfig(Admin admin, JsonNode request) throws Exception {
    var resource = new ConfigResource(ConfigResource.Type.TOPIC, request.get("topic").asText());
    var operations = new ArrayList<AlterConfigOp>();
    strings(request.get("config")).forEach((name, value) ->
        operations.add(new AlterConfigOp(new ConfigEntry(name, value), AlterConfigOp.OpType.SET)));
    get(admin.incrementalAlterConfigs(Map.of(resource, (Collection<AlterConfigOp>) operations)).all());
    return null;
  }

  private static List<AclBinding> acls(JsonNode request) {
    List<AclBinding> bindings = new ArrayList<>();
    for (JsonNode acl : request.get("acls")) {
      ResourceType type = ResourceType.fromString(acl.get("resourceType").asText());
      PatternType pattern = PatternType.fromString(acl.get("patternType").asText());
      AclOperation operation = AclOperation.fromString(acl.get("operation").asText());
      AclPermissionType permission = AclPermissionType.fromString(acl.get("permission").asText());
      if (type.isUnknown() || pattern.isUnknown() || operation.isUnknown() || permission.isUnknown()) throw new IllegalArgumentException("Kafka knows no " + acl);
      var entry = new AccessControlEntry(request.get("principal").asText(), acl.get("host").asText(), operation, permission);
      bindings.add(new AclBinding(new ResourcePattern(type, acl.get("name").asText(), pattern), entry));
    }
    return bindings;
  }

  /** Whether every node has the metadata log as far as it was written when this was asked. */
  private static boolean settled(Admin admin) throws Exception {
    QuorumInfo before = get(admin.describeMetadataQuorum().quorumInfo());
    long end = before.voters().stream().filter(voter -> voter.replicaId() == before.leaderId()).findFirst().orElseThrow().logEndOffset();
    long deadline = System.nanoTime() + PATIENCE.toNanos();
    while (System.nanoTime() < deadline) {
      QuorumInfo now = get(admin.describeMetadataQuorum().quorumInfo());
      if (now.highWatermark() >= end && now.voters().stream().allMatch(voter -> voter.logEndOffset() >= end)) return true;
      Thread.sleep(50);
    }
    return false;
  }

  private static JsonNode alterQuota(Admin admin, JsonNode request) throws Exception {
    List<ClientQuotaAlteration.Op> operations = new ArrayList<>();
    request.get("quota").fields().forEachRemaining(field -> operations.add(new ClientQuotaAlteration.Op(field.getKey(), field.getValue().asDouble())));
    ClientQuotaEntity entity = new ClientQuotaEntity(Map.of(ClientQuotaEntity.USER, request.get("user").asText()));
    get(admin.alterClientQuotas(List.of(new ClientQuotaAlteration(entity, operations))).all());
    return null;
  }

  private static JsonNode describeQuota(Admin admin, String user) throws Exception {
    ObjectNode answer = JSON.createObjectNode();
    ClientQuotaEntity entity = new ClientQuotaEntity(Map.of(ClientQuotaEntity.USER, user));
    Map<String, Double> quota = get(admin.describeClientQuotas(ClientQuotaFilter.all()).entities()).get(entity);
    if (quota != null) quota.forEach(answer::put);
    return answer;
  }

  private static JsonNode produce(JsonNode request) throws Exception {
    try (KafkaProducer<String, String> producer = producer(request)) {
      for (JsonNode value : request.get("values")) {
        String key = request.hasNonNull("key") ? request.get("key").asText() : null;
        producer.send(new ProducerRecord<>(request.get("topic").asText(), key, value.asText())).get(PATIENCE.toMillis(), TimeUnit.MILLISECONDS);
      }
      return null;
    }
  }

  private static JsonNode transact(JsonNode request) throws Exception {
    try (KafkaProducer<String, String> producer = producer(request)) {
      producer.initTransactions();
      producer.beginTransaction();
      producer.send(new ProducerRecord<>(request.get("topic").asText(), null, "in a transaction")).get(PATIENCE.toMillis(), TimeUnit.MILLISECONDS);
      producer.commitTransaction();
      return null;
    }
  }

  /** Joins the group, reads until a record comes and commits where it began, so that the next one of the group finds the record too. */
  private static JsonNode consume(JsonNode request) throws Exception {
    try (KafkaConsumer<String, String> consumer = consumer(request)) {
      consumer.subscribe(List.of(request.get("topic").asText()));
      long deadline = System.nanoTime() + PATIENCE.toNanos();
      while (System.nanoTime() < deadline) {
        ConsumerRecords<String, String> records = consumer.poll(Duration.ofMillis(200));
        if (records.isEmpty()) continue;
        TopicPartition partition = records.partitions().iterator().next();
        consumer.commitSync(Map.of(partition, new OffsetAndMetadata(0)));
        return null;
      }
      throw new java.util.concurrent.TimeoutException("no record came");
    }
  }

  /** Every record of a topic from its beginning, without a group, until there are `atLeast` or the time is over. */
  private static JsonNode read(JsonNode request) throws Exception {
    ArrayNode answer = JSON.createArrayNode();
    String topic = request.get("topic").asText();
    int atLeast = request.path("atLeast").asInt(0);
    try (KafkaConsumer<String, String> consumer = consumer(request)) {
      List<TopicPartition> partitions = new ArrayList<>();
      consumer.partitionsFor(topic).forEach(partition -> partitions.add(new TopicPartition(topic, partition.partition())));
      consumer.assign(partitions);
      consumer.seekToBeginning(partitions);
      long deadline = System.nanoTime() + Duration.ofSeconds(request.path("seconds").asInt(15)).toNanos();
      while (System.nanoTime() < deadline && (atLeast == 0 || answer.size() < atLeast)) {
        for (ConsumerRecord<String, String> record : consumer.poll(Duration.ofMillis(200))) {
          answer.addObject().put("key", record.key()).put("value", record.value()).put("partition", record.partition());
        }
        if (atLeast == 0 && partitions.stream().allMatch(partition -> consumer.position(partition) >= consumer.endOffsets(List.of(partition)).get(partition))) break;
      }
    }
    return answer;
  }

  private static KafkaProducer<String, String> producer(JsonNode request) {
    Properties properties = properties(request);
    properties.put("max.block.ms", String.valueOf(PATIENCE.toMillis()));
    return new KafkaProducer<>(properties, new StringSerializer(), new StringSerializer());
  }

  private static KafkaConsumer<String, String> consumer(JsonNode request) {
    Properties properties = properties(request);
    properties.put("auto.offset.reset", "earliest");
    properties.put("enable.auto.commit", "false");
    return new KafkaConsumer<>(properties, new StringDeserializer(), new StringDeserializer());
  }

  private static Properties properties(JsonNode request) {
    Properties properties = new Properties();
    properties.putAll(strings(request.get("client")));
    return properties;
  }

  private static Map<String, String> strings(JsonNode object) {
    Map<String, String> map = new HashMap<>();
    Optional.ofNullable(object).ifPresent(node -> node.fields().forEachRemaining(field -> map.put(field.getKey(), field.getValue().asText())));
    return map;
  }

  private static <T> T get(KafkaFuture<T> future) throws Exception {
    return future.get(PATIENCE.toMillis(), TimeUnit.MILLISECONDS);
  }
}
