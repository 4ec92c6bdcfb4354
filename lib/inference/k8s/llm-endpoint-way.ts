/** What a grant opens. */
export interface LlmWay {
  readonly baseUrl: string;
  readonly namespace?: string;
  readonly podSelector: { [key: string]: string };
  readonly admit: (podSelector: { [key: string]: string }, namespace?: string) => void;
}
