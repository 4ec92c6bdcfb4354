/** The Postgres database of an MLflow server. */
export interface MlflowDatabase {
  /**
   * Secret with the URI: `postgresql+psycopg2://<user>:<password>@<host>:5432/<database>?sslmode=verify-full&sslrootcert=system`. It is
   * mounted as a file and read when a pod starts; restart the pods after it has changed.
   */
  readonly secretName: string;
  /**
   * Key of the URI in the secret.
   * @default 'uri'
   */
  readonly secretKey?: string;
  /**
   * Connections that MLflow may hold, as the role of the database says (`CONNECTION LIMIT`). The pools follow from it.
   * @default 90
   */
  readonly maxConnections?: number;
  /**
   * Address ranges of the database.
   * @default - none; open the way with `allowToPods` when it runs in the cluster
   */
  readonly networks?: string[];
  /**
   * Port of the database in these ranges.
   * @default 5432
   */
  readonly port?: number;
}
