import { writeFileSync } from "node:fs";
import type { Connection } from "./connection.ts";

/** Name of the one context in a file of {@link writeKubeconfig}. */
export const CONTEXT = "lab";

/** Writes a kubeconfig file; JSON is YAML. */
export function writeKubeconfig(file: string, { host, port, token, certificates }: Connection): void {
  const cluster = { server: `https://${host}:${port}`, "certificate-authority-data": Buffer.from(certificates).toString("base64") };
  const config = {
    apiVersion: "v1",
    kind: "Config",
    clusters: [{ name: CONTEXT, cluster }],
    users: [{ name: CONTEXT, user: { token } }],
    contexts: [{ name: CONTEXT, context: { cluster: CONTEXT, user: CONTEXT } }],
    "current-context": CONTEXT,
  };
  writeFileSync(file, `${JSON.stringify(config, null, 2)}\n`, { mode: 0o600 });
}
