/** Address of an API server, and the credentials for it. */
export interface Connection {
  readonly host: string;
  readonly port: number;
  readonly token: string;
  /** PEM of the certificates to trust. */
  readonly certificates: string;
}
