import { fileURLToPath } from "node:url";
import type { Config } from "@fenceline/api";
import type { ContainerSpec } from "../lab/pod/pod.ts";
import type { PodSpec } from "../lab/pod/pod-object.ts";

/** One of Fenceline's Deployments: what its pods run, and how they are probed. */
export interface Component {
  readonly container: ContainerSpec;
  readonly readinessProbe: PodSpec["readinessProbe"] & {};
}

/** Ports that the containers listen on. */
export const PORTS = { proxy: 18_080, proxyAdmin: 18_083, accessLogs: 18_081, api: 18_082 };

const FENCELINE = fileURLToPath(new URL("../../../packages/cli/src/main.ts", import.meta.url));

/**
 * The seam between the lab and Fenceline: what its two Deployments run.
 *
 * Written by hand until the chart is there; then arguments, environment and probes come from its rendered Deployments, without the image.
 */
export function components({ namespace, clusterDomain, fallback, collector }: Config): {
  readonly globalSidecar: Component;
  readonly collector: Component;
} {
  const host = (service: string) => `${service}.${namespace}.svc.${clusterDomain}`;
  return {
    globalSidecar: {
      container: fenceline("global-sidecar", [
        `--collector=${host(collector.service)}:${collector.port}`,
        `--port=${PORTS.proxy}`,
        `--admin-port=${PORTS.proxyAdmin}`,
        `--own-name=${host(fallback.service)}`,
        "--trust-forwarded-client-cert",
      ]),
      readinessProbe: { path: "/readyz", port: PORTS.proxyAdmin },
    },
    collector: {
      container: fenceline("collector", [`--namespace=${namespace}`, `--als-port=${PORTS.accessLogs}`, `--api-port=${PORTS.api}`]),
      readinessProbe: { path: "/readyz", port: PORTS.api },
    },
  };
}

function fenceline(command: string, args: readonly string[]): ContainerSpec {
  return { name: command, command: process.execPath, args: [FENCELINE, command, "--log-format=json", ...args] };
}
