/** What a storage adds to an ApicurioRegistry3. */
export interface BoundStorage {
  readonly storage: Record<string, unknown>;
  readonly env: { name: string; value: string }[];
  readonly podLabels: Record<string, string>;
}
