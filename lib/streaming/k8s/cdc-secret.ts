/** User and password of a database in a secret of the workers' namespace. */
export interface CdcSecret {
  /** Name of the secret. */
  readonly secretName: string;
  /**
   * Key of the user.
   * @default 'username'
   */
  readonly userKey?: string;
  /**
   * Key of the password.
   * @default 'password'
   */
  readonly passwordKey?: string;
}
