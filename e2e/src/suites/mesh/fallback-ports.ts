import { Fenceline } from "../../fenceline/install.ts";
import type { Lab } from "../../lab/lab.ts";

/**
 * Installs Fenceline, and sees to it that the fallback's Service has these ports: a fenced Envoy has a listener for no other.
 *
 * The one place that says where they come from: the chart's value.
 */
export function installWithFallbackPorts(lab: Lab, ports: readonly number[]): Promise<Fenceline> {
  return Fenceline.install(lab, { "globalSidecar.ports": ports });
}
