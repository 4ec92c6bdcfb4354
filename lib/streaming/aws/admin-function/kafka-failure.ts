/** A request that the function refuses by itself: trying again would not help. */
export class Refusal extends Error {}

/**
 * What passes by itself. Authorization is among it: IAM takes up to a minute to tell the brokers of a new policy
 * (Amazon MSK Developer Guide, "Create authorization policies for the IAM role"), and the policy is made in the same deploy.
 */
const PASSING: ReadonlySet<string> = new Set([
  'CLUSTER_AUTHORIZATION_FAILED',
  'TOPIC_AUTHORIZATION_FAILED',
  'SASL_AUTHENTICATION_FAILED',
  'PLT_KFK_AUTHENTICATION',
  'PLT_KFK_NETWORK',
  'PLT_KFK_TIMEOUT',
  'BROKER_NOT_AVAILABLE',
  'KAFKA_STORAGE_ERROR',
  'LEADER_NOT_AVAILABLE',
  'NETWORK_EXCEPTION',
  'NOT_CONTROLLER',
  'REQUEST_TIMED_OUT',
  'THROTTLING_QUOTA_EXCEEDED',
  'UNKNOWN_TOPIC_OR_PARTITION',
]);

/** The shape of the client's errors: a protocol error has Kafka's own name, others are wrapped in each other. */
interface ClientError {
  readonly apiId?: string;
  readonly code?: string;
  readonly message?: string;
  readonly serverErrorMessage?: string | null;
  readonly errors?: readonly unknown[];
  readonly cause?: unknown;
}

/** The errors at the bottom of a wrapped one: those say what happened. */
function leavesOf(error: unknown): ClientError[] {
  const { errors, cause } = (error ?? {}) as ClientError;
  const inner = [...(errors ?? []), ...(cause ? [cause] : [])];
  return inner.length > 0 ? inner.flatMap(leavesOf) : [(error ?? {}) as ClientError];
}

/** Codes of everything that went wrong, Kafka's own name where there is one, each once. */
export function codesOf(error: unknown): string[] {
  const wrappers = error as ClientError | undefined;
  const codes = [...leavesOf(error), ...(wrappers ? [wrappers] : [])].flatMap(({ apiId, code }) => apiId ?? code ?? []);
  return [...new Set(codes)].filter((code) => code !== 'PLT_KFK_MULTIPLE' && code !== 'PLT_KFK_RESPONSE');
}

/** Whether the same request may go through a little later. */
export function passes(error: unknown): boolean {
  if (error instanceof Refusal) return false;
  const codes = codesOf(error);
  // A refused or reset connection carries a code of Node's own below the client's.
  return codes.length > 0 && codes.every((code) => PASSING.has(code) || /^E[A-Z]+$/.test(code));
}

/** What went wrong, for the reader of a stack event. Only messages and codes: an error object of the client may hold the sent token. */
export function describeFailure(error: unknown): string {
  if (error instanceof Refusal) return error.message;
  const reasons = leavesOf(error).map(({ apiId, code, message, serverErrorMessage }) =>
    [apiId ?? code, serverErrorMessage || message].filter(Boolean).join(': '),
  );
  return [...new Set(reasons)].join('; ') || String(error);
}
