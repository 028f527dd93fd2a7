import { FencelineError, LONGEST_MESSAGE, type ObjectRef, pauseAskedBy, shortened } from "@fenceline/api";
import type { Obstacle } from "@fenceline/store";

/**
 * Why a write failed that is tried again unchanged. Undefined where that says nothing about the
 * object: this replica leads no more.
 */
export function writeFailure(error: unknown, { kind, namespace, name }: ObjectRef): Obstacle | undefined {
  const code = error instanceof FencelineError ? error.code : "";
  if (code === "NOT_LEADER") return undefined;
  const text = error instanceof Error ? error.message : String(error);
  const { reason, todo: what } = meaningOf(code, text);
  const seconds = Math.ceil(pauseAskedBy(error) / 1_000);
  const todo = seconds > 1 ? `${what}; the API server asks to be left alone for ${seconds} s` : what;
  return { kind, namespace, name, reason, message: shortened(`${text}: ${todo}`, LONGEST_MESSAGE) };
}

function meaningOf(code: string, text: string): { readonly reason: Obstacle["reason"]; readonly todo: string } {
  if (code === "OBJECT_CONTESTED") return { reason: "Contested", todo: "it is written again, with growing pauses" };
  if (!code.startsWith("KUBERNETES_")) return { reason: "WriteFailed", todo: "it is tried again" };
  if (/failed calling webhook/.test(text)) return { reason: "WebhookFailed", todo: "see that the webhook's Service has ready endpoints" };
  if (code === "KUBERNETES_NOT_FOUND" && /namespaces "[^"]*" not found/.test(text))
    return { reason: "NamespaceTerminating", todo: "nothing is to be done, the namespace is deleted" };
  if (code === "KUBERNETES_CONFLICT") return { reason: "Contested", todo: "find who else writes it in its metadata.managedFields" };
  if (code === "KUBERNETES_UNAUTHORIZED") return { reason: "WriteForbidden", todo: "see that the collector's service account is there" };
  if (code === "KUBERNETES_TOO_MANY_REQUESTS") return { reason: "Throttled", todo: "the API server is overloaded, it is tried again" };
  return { reason: "ServerFailed", todo: "it is tried again" };
}
