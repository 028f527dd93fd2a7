import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { IstiodCredentials } from "@fenceline/collector";

/**
 * The files with which istiod authenticates this pod, and this pod istiod. They are read at each
 * use: the kubelet replaces the token before it expires, and istiod's root certificate may change.
 */
export function istiodCredentialsIn(folder: string, pod: string): IstiodCredentials {
  return {
    token: () => readFileSync(join(folder, "token"), "utf8").trim(),
    roots: () => readFileSync(join(folder, "root-cert.pem")),
    pod,
  };
}
