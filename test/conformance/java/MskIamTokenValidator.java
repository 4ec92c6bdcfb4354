import java.net.URI;
import java.net.URLDecoder;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.time.Instant;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.util.Base64;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.Collectors;
import javax.crypto.Mac;
import javax.crypto.spec.SecretKeySpec;
import javax.security.auth.callback.Callback;
import javax.security.auth.login.AppConfigurationEntry;
import org.apache.kafka.common.security.auth.AuthenticateCallbackHandler;
import org.apache.kafka.common.security.oauthbearer.OAuthBearerToken;
import org.apache.kafka.common.security.oauthbearer.OAuthBearerValidatorCallback;

/**
 * Takes the tokens of MSK IAM on a broker of our own: checks the signature of the presigned URL as AWS publishes it (Signature Version 4),
 * with the one key pair of the test, and its date. The principal is the ARN of the session that the test claims to be.
 */
public class MskIamTokenValidator implements AuthenticateCallbackHandler {
  private static final DateTimeFormatter TIMESTAMP = DateTimeFormatter.ofPattern("yyyyMMdd'T'HHmmss'Z'").withZone(ZoneOffset.UTC);

  private Map<String, Object> options = Map.of();

  @Override
  public void configure(Map<String, ?> configs, String mechanism, List<AppConfigurationEntry> entries) {
    options = Map.copyOf(entries.get(0).getOptions());
  }

  @Override
  public void handle(Callback[] callbacks) {
    for (Callback callback : callbacks) {
      if (!(callback instanceof OAuthBearerValidatorCallback validator)) continue;
      try {
        validator.token(check(validator.tokenValue()));
      } catch (Exception refused) {
        System.err.println("MskIamTokenValidator: " + refused);
        validator.error("invalid_token", "", "");
      }
    }
  }

  @Override
  public void close() {}

  private OAuthBearerToken check(String token) throws Exception {
    URI url = URI.create(new String(Base64.getUrlDecoder().decode(token), StandardCharsets.UTF_8));
    Map<String, String> raw = new TreeMap<>();
    for (String pair : url.getRawQuery().split("&")) raw.put(pair.substring(0, pair.indexOf('=')), pair.substring(pair.indexOf('=') + 1));
    String signature = raw.remove("X-Amz-Signature");
    raw.remove("User-Agent");
    expect("kafka-cluster:Connect", value(raw, "Action"));
    expect(options.get("sessionToken"), value(raw, "X-Amz-Security-Token"));
    expect("host", value(raw, "X-Amz-SignedHeaders"));
    String[] credential = value(raw, "X-Amz-Credential").split("/", 2);
    expect(options.get("accessKeyId"), credential[0]);
    String[] scope = credential[1].split("/");
    expect("kafka." + scope[1] + ".amazonaws.com", url.getHost());
    expect("kafka-cluster", scope[2]);
    Instant signed = TIMESTAMP.parse(value(raw, "X-Amz-Date"), Instant::from);
    long lifetime = Long.parseLong(value(raw, "X-Amz-Expires"));
    if (signed.plusSeconds(lifetime).isBefore(Instant.now()) || signed.minusSeconds(60).isAfter(Instant.now())) throw new Exception("not now");
    String query = raw.entrySet().stream().map((part) -> part.getKey() + "=" + part.getValue()).collect(Collectors.joining("&"));
    String request = String.join("\n", "GET", "/", query, "host:" + url.getHost(), "", "host", hex(sha256("")));
    String toSign = String.join("\n", "AWS4-HMAC-SHA256", value(raw, "X-Amz-Date"), credential[1], hex(sha256(request)));
    byte[] key = ("AWS4" + options.get("secretAccessKey")).getBytes(StandardCharsets.UTF_8);
    for (String part : scope) key = hmac(key, part);
    expect(hex(hmac(key, toSign)), signature);
    return new Session((String) options.get("principal"), token, signed.toEpochMilli(), signed.plusSeconds(lifetime).toEpochMilli());
  }

  private static String value(Map<String, String> raw, String name) {
    return URLDecoder.decode(raw.get(name).replace("+", "%2B"), StandardCharsets.UTF_8);
  }

  private static void expect(Object expected, Object received) throws Exception {
    if (!expected.equals(received)) throw new Exception("expected " + expected + " and received " + received);
  }

  private static byte[] sha256(String text) throws Exception {
    return MessageDigest.getInstance("SHA-256").digest(text.getBytes(StandardCharsets.UTF_8));
  }

  private static byte[] hmac(byte[] key, String text) throws Exception {
    Mac mac = Mac.getInstance("HmacSHA256");
    mac.init(new SecretKeySpec(key, "HmacSHA256"));
    return mac.doFinal(text.getBytes(StandardCharsets.UTF_8));
  }

  private static String hex(byte[] bytes) {
    return HexFormat.of().formatHex(bytes);
  }

  private record Session(String principalName, String value, Long startTimeMs, long lifetimeMs) implements OAuthBearerToken {
    @Override
    public Set<String> scope() {
      return Set.of();
    }
  }
}
