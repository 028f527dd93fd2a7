import type { AccessLogEntry, AccessLogStream } from "@fenceline/als";
import {
  FALLBACK_LOG_NAME,
  type FenceKey,
  type PeerIdentity,
  parseFenceKey,
  parseFenceLogName,
  parseSpiffeId,
  peerOfForwardedClientCert,
} from "@fenceline/api";
import type { Mesh } from "../mesh.ts";
import type { DropReason } from "./drop-reason.ts";

/** Whose calls a stream of access logs reports. */
export type StreamSource =
  | { readonly kind: "fence"; readonly fence: FenceKey }
  /** The global sidecar reports for everybody: each entry names its own source. */
  | { readonly kind: "fallback" }
  | { readonly kind: "dropped"; readonly reason: DropReason };

/**
 * Finds the source of a stream, by the first of these that says anything: the log name, which a fence's EnvoyFilter sets; the node's metadata;
 * the peer's certificate. Where there is a certificate, its namespace must agree with the claim: log name and node are only what the peer says of itself.
 */
export function sourceOfStream({ logName, node, forwardedClientCert }: AccessLogStream, mesh: Mesh): StreamSource {
  const peer = forwardedClientCert === undefined ? undefined : peerOfForwardedClientCert(forwardedClientCert);
  if (logName === FALLBACK_LOG_NAME) {
    return agrees(peer, mesh.config.namespace) ? { kind: "fallback" } : { kind: "dropped", reason: "identity_mismatch" };
  }
  const fence = parseFenceLogName(logName) ?? mesh.fenceOfPod(node.namespace, node.labels) ?? fenceOfPeer(peer);
  if (fence === undefined) return { kind: "dropped", reason: "unknown_source" };
  if (!agrees(peer, fence.namespace)) return { kind: "dropped", reason: "identity_mismatch" };
  return mesh.fence(fence) === undefined ? { kind: "dropped", reason: "unknown_source" } : { kind: "fence", fence };
}

/** The source of one of the fallback's entries: the header that the caller's Envoy had set, and its certificate if the entry tells it. */
export function sourceOfFallbackEntry({ fenceSource, peerUris }: AccessLogEntry, mesh: Mesh): FenceKey | DropReason {
  const fence = parseFenceKey(fenceSource);
  if (fence === undefined || mesh.fence(fence) === undefined) return "unknown_source";
  return agrees(peerUris.map(parseSpiffeId).find(Boolean), fence.namespace) ? fence : "identity_mismatch";
}

function agrees(peer: PeerIdentity | undefined, namespace: string): boolean {
  return peer === undefined || peer.namespace === namespace;
}

/** A workload that is known only by its certificate is taken for the fence that bears its service account's name. */
function fenceOfPeer(peer: PeerIdentity | undefined): FenceKey | undefined {
  return peer === undefined ? undefined : { namespace: peer.namespace, name: peer.serviceAccount };
}
