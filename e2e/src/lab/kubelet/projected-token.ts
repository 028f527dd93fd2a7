import { renameSync, writeFileSync } from "node:fs";
import type { KubernetesClient } from "../kubernetes/client.ts";
import type { PodObject, ServiceAccountToken } from "./pod-template.ts";

/** Settings of a projected token. */
export interface ProjectedTokenOptions {
  readonly client: KubernetesClient;
  readonly pod: PodObject;
  readonly source: ServiceAccountToken;
  /** Where it is written. */
  readonly file: string;
}

/** Part of its lifetime after which a token is replaced, as by a kubelet. */
const RENEWED_AT = 0.8;
/** Milliseconds until a failed renewal is tried again. */
const RETRY = 10_000;
/** A TokenRequest for less is refused. */
const SHORTEST_SECONDS = 600;

/**
 * Writes a token for the pod's service account, bound to the pod, and replaces it before it
 * expires.
 *
 * @returns ends the renewals
 * @throws {FencelineError} `LAB_API_SERVER` when the first one is refused
 */
export async function projectToken({ client, pod, source, file }: ProjectedTokenOptions): Promise<() => void> {
  const { namespace, name, uid } = pod.metadata;
  const { audience, expirationSeconds = 3_600 } = source;
  const seconds = Math.max(SHORTEST_SECONDS, expirationSeconds);
  const write = async () => {
    const account = pod.spec.serviceAccountName ?? "default";
    const token = await client.serviceAccountToken(namespace, account, { audience, seconds, pod: { name, uid } });
    // A reader always gets a complete token, the old or the new one.
    writeFileSync(`${file}.new`, token, { mode: 0o600 });
    renameSync(`${file}.new`, file);
  };
  let timer: NodeJS.Timeout | undefined;
  let hasEnded = false;
  const renewAfter = (milliseconds: number) => {
    if (hasEnded) return;
    timer = setTimeout(() => {
      write().then(
        () => renewAfter(seconds * 1_000 * RENEWED_AT),
        () => renewAfter(RETRY),
      );
    }, milliseconds).unref();
  };
  await write();
  renewAfter(seconds * 1_000 * RENEWED_AT);
  return () => {
    hasEnded = true;
    clearTimeout(timer);
  };
}
