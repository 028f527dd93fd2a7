import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { IstiodCredentials } from "@fenceline/collector";

/**
 * The files by which istiod knows this pod, and it istiod. Read again whenever they are wanted:
 * the kubelet replaces the token before it ends, and istiod's root certificate may change.
 */
export function istiodCredentialsIn(folder: string, pod: string): IstiodCredentials {
  return {
    token: () => readFileSync(join(folder, "token"), "utf8").trim(),
    roots: () => readFileSync(join(folder, "root-cert.pem")),
    pod,
  };
}
