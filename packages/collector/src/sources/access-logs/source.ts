import type { AccessLogEntry, AccessLogStream } from "@fenceline/als";
import {
  admitsAccount,
  agreement,
  FALLBACK_LOG_NAME,
  type FenceKey,
  type Peer,
  parseFenceKey,
  parseFenceLogName,
  peerOfForwardedClientCert,
  peerOfUris,
} from "@fenceline/api";
import type { Mesh } from "../../mesh.ts";
import { isNoSidecar } from "./direction.ts";
import type { EntryDropReason } from "./entry-drop-reason.ts";

/** Whose calls a stream of access logs reports. */
export type StreamSource =
  | { readonly kind: "fence"; readonly fence: FenceKey }
  /** The global sidecar reports for all: each entry names its own source. */
  | { readonly kind: "fallback" }
  | { readonly kind: "dropped"; readonly reason: EntryDropReason };

/**
 * Finds the source of a stream, by the first of these that tells it: the log name, which a fence's
 * EnvoyFilter sets; the node's metadata; the peer's certificate. The certificate's namespace must
 * match the claim, since the peer itself chooses log name and node.
 */
export function sourceOfStream({ logName, node, forwardedClientCert }: AccessLogStream, mesh: Mesh): StreamSource {
  const peer = peerOfForwardedClientCert(forwardedClientCert, mesh.trustDomains);
  if (peer === "unreadable") return { kind: "dropped", reason: "identity_mismatch" };
  if (logName === FALLBACK_LOG_NAME) {
    const objection = objectionOf(peer, mesh.config.namespace, mesh);
    return objection === undefined ? { kind: "fallback" } : { kind: "dropped", reason: objection };
  }
  // A gateway, a waypoint or ztunnel reports for many workloads, and is no pod of a fence.
  if (isNoSidecar(node)) return { kind: "dropped", reason: "unknown_source" };
  const fence = parseFenceLogName(logName) ?? mesh.fenceOfPod(node.namespace, node.labels) ?? fenceOfPeer(peer);
  if (fence === undefined) return { kind: "dropped", reason: "unknown_source" };
  const objection = objectionOf(peer, fence.namespace, mesh);
  if (objection !== undefined) return { kind: "dropped", reason: objection };
  if (mesh.fence(fence) === undefined) return { kind: "dropped", reason: "unknown_source" };
  return mayBeOf(fence, peer, mesh) ? { kind: "fence", fence } : { kind: "dropped", reason: "identity_mismatch" };
}

/** Whether a peer of a fence's namespace may be one of its pods, by its service account. */
export function mayBeOf(fence: FenceKey, peer: Peer, mesh: Mesh): boolean {
  const object = mesh.fence(fence);
  return object === undefined || typeof peer === "string" || admitsAccount(object, peer.serviceAccount);
}

/**
 * The source of one of the fallback's entries: the header that the caller's Envoy has set, and the
 * caller's certificate if the entry has it. The fallback has compared the two itself, so an entry
 * need not contain the certificate.
 */
export function sourceOfFallbackEntry({ fenceSource, peerUris }: AccessLogEntry, mesh: Mesh): FenceKey | EntryDropReason {
  const fence = parseFenceKey(fenceSource);
  if (fence === undefined || mesh.fence(fence) === undefined) return "unknown_source";
  const peer = peerOfUris(peerUris, mesh.trustDomains);
  return agreement(peer, fence.namespace) === "contradicts" || !mayBeOf(fence, peer, mesh) ? "identity_mismatch" : fence;
}

/** Why a peer is not believed to be in a namespace; undefined when it is. */
function objectionOf(peer: Peer, namespace: string, { config }: Mesh): EntryDropReason | undefined {
  const found = agreement(peer, namespace);
  if (found === "contradicts") return "identity_mismatch";
  return found === "missing" && !config.telemetry.acceptPlaintext ? "no_certificate" : undefined;
}

/**
 * A workload that is known only by its certificate counts for the fence with its service account's
 * name.
 */
function fenceOfPeer(peer: Peer): FenceKey | undefined {
  return typeof peer === "string" ? undefined : { namespace: peer.namespace, name: peer.serviceAccount };
}
