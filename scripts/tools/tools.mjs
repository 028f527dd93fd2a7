/** Every tool, by the name that `install.mjs` takes, in the order in which they are installed. */
import { envoy } from "./envoy.mjs";
import { grpcJava } from "./grpc-java.mjs";
import { grpcPeer } from "./grpc-peer.mjs";
import { grpcio } from "./grpcio.mjs";
import { h2spec } from "./h2spec.mjs";
import { helm } from "./helm.mjs";
import { nginx } from "./nginx.mjs";
import { prometheus } from "./prometheus.mjs";
import { locate } from "./tool.mjs";

/** @satisfies {Record<string, import("./tool.mjs").Tool>} */
export const TOOLS = { envoy, helm, nginx, prometheus, h2spec, "grpc-peer": grpcPeer, grpcio, "grpc-java": grpcJava };

/**
 * Where a tool is, or undefined when there is none: tests then say so and are skipped.
 *
 * @param {keyof typeof TOOLS} name
 */
export function toolPath(name) {
  return locate(TOOLS[name]);
}
