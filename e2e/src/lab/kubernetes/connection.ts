/** Where an API server is, and who asks. */
export interface Connection {
  readonly host: string;
  readonly port: number;
  readonly token: string;
  /** PEM of the certificates to trust. */
  readonly certificates: string;
}
