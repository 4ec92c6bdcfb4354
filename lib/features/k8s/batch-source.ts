/** A source of history in the words of Feast: the class and its arguments, which are Python. */
export interface BatchSource {
  readonly module: string;
  readonly className: string;
  readonly arguments: readonly (readonly [name: string, value: string])[];
}

/** The history of a group where there is no offline store: nothing, which Feast still wants to be named. */
export function withoutHistory(table: string): BatchSource {
  return { module: 'feast', className: 'FileSource', arguments: [['path', `"/nonexistent/${table}.parquet"`]] };
}
