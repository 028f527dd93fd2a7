import {
  type Config,
  type EnvoyFilter,
  type FenceMode,
  fenceMode,
  idleWindowOf,
  type Labels,
  type OwnerReference,
  type RenderedObject,
  renderedMeta,
  type ServiceFence,
  type Sidecar,
} from "@fenceline/api";
import type { ServiceLookup } from "@fenceline/registry";
import type { EgressHost } from "./egress-hosts.ts";
import { fenceFilterSpec } from "./fence-filter.ts";
import {
  hostsRefusal,
  type LeavingFences,
  leavingRefusal,
  namespaceRefusal,
  type RenderRefusal,
  type RivalFences,
  rivalRefusal,
  selectorRefusal,
} from "./refusals.ts";

/** The input of the objects of a fence. */
export interface RenderInput {
  readonly fence: ServiceFence;
  readonly hosts: readonly EgressHost[];
  /** Labels of its pods, from {@link workloadLabels}; undefined when it selects none. */
  readonly labels: Labels | undefined;
  readonly config: Config;
  /**
   * Versions of Istio that the workload's proxies reported in their access logs, for example
   * `1.29.0`.
   */
  readonly proxyVersions: readonly string[];
  /**
   * Whether the fallback can answer now, and whether the fence's Sidecar exists already. Default:
   * it can.
   */
  readonly fallback?: { readonly ready: boolean; readonly enforced: boolean };
  /**
   * Whether the rendered EnvoyFilter has the on_demand filter now. It keeps it while no version is
   * known, as after a restart. Default false.
   */
  readonly onDemandBefore?: boolean;
  /**
   * Whether `hosts` has the Services of Istio's namespace and of ours. A Sidecar that names them
   * one by one costs istiod as much as it has hosts; with one wildcard istiod looks at every
   * Service (istio/istio#60473). Default false, since manifests may not have all of them.
   */
  readonly exact?: boolean;
  /**
   * Whether somebody else's Sidecar selects the same pods. Istio would use one of the two, so ours
   * is not rendered. Default false.
   */
  readonly conflict?: boolean;
  /**
   * How the Sidecar that the fence's replaces treats hosts that Istio does not know. Default:
   * MeshConfig decides.
   */
  readonly outbound?: "ALLOW_ANY" | "REGISTRY_ONLY";
  /** Fences for the same pods, one of which is in force instead of this one. Default: none. */
  readonly rival?: RivalFences;
  /** Fences that ask for nothing now, and left something for the same pods. Default: none. */
  readonly leaving?: LeavingFences;
  /** A second owner of the objects, so that they outlive the fence. Default: none. */
  readonly installation?: OwnerReference;
}

/** A fence's rendered objects, or why there are none. */
export type Rendered =
  | {
      readonly mode: FenceMode;
      readonly objects: readonly RenderedObject[];
      /** Why nothing would be rendered in Enforce. Only for a fence in Observe. */
      readonly inEnforce?: RenderRefusal;
    }
  | { readonly mode: FenceMode; readonly objects: readonly []; readonly refused: { readonly reason: string; readonly message: string } };

/**
 * The Istio objects of one fence, in the order in which they must be applied: the EnvoyFilter
 * before the Sidecar. In the other order, hosts would be hidden for a moment while nothing catches
 * the calls to them.
 */
export function renderFence(input: RenderInput): Rendered {
  const { fence, labels, config } = input;
  const mode = fenceMode(fence.spec);
  if (mode === "Off") return { mode, objects: [] };
  if (labels === undefined) {
    const message = `Service ${fence.metadata.namespace}/${fence.metadata.name} does not exist or selects no pods, and spec.workloadSelector.fromService asks for its selector`;
    return { mode, objects: [], refused: { reason: "ServiceNotFound", message } };
  }
  const refused = rivalRefusal(input.rival) ?? namespaceRefusal(fence, config) ?? selectorRefusal(labels) ?? leavingRefusal(input.leaving);
  if (refused !== undefined) return { mode, objects: [], refused };
  const egress = egressOf(input);
  const tooMany = hostsRefusal(egress);
  if (mode === "Enforce" && tooMany !== undefined) return { mode, objects: [], refused: tooMany };
  const metadata = renderedMeta(fence, fence.metadata.name, input.installation);
  const { ready, enforced } = input.fallback ?? { ready: true, enforced: false };
  const enforces = mode === "Enforce" && input.conflict !== true;
  const filter: EnvoyFilter = {
    apiVersion: "networking.istio.io/v1alpha3",
    kind: "EnvoyFilter",
    metadata,
    spec: fenceFilterSpec({
      key: fence.metadata,
      labels,
      config,
      idleWindow: idleWindowOf(fence.spec, config.ageing),
      redirect: enforces && ready,
      logTcp: fence.spec.tcp === "learn",
      onDemand: enforces && wantsOnDemand(input),
    }),
  };
  // If hosts were hidden while nothing catches the calls to them, these calls would fail. A fence
  // that is enforced keeps the hosts that it has learned, and calls to others use Istio's
  // passthrough until the fallback is back.
  if (!enforces || !(ready || enforced)) return { mode, objects: [filter], ...(tooMany && { inEnforce: tooMany }) };
  const sidecar: Sidecar = {
    apiVersion: "networking.istio.io/v1beta1",
    kind: "Sidecar",
    metadata,
    spec: {
      workloadSelector: { labels },
      egress: [{ hosts: egress }],
      ...(input.outbound !== undefined && { outboundTrafficPolicy: { mode: input.outbound } }),
    },
  };
  return { mode, objects: [filter, sidecar] };
}

/**
 * First the control plane and Fenceline itself, where they are shown as a whole, then the live
 * hosts in byte order. What a `<namespace>/*` includes is not repeated. Istio accepts no empty
 * list.
 */
export function egressOf({ hosts, config, exact = false }: Pick<RenderInput, "hosts" | "config" | "exact">): string[] {
  const whole = [...new Set([`${config.istioNamespace}/*`, `${config.namespace}/*`])];
  const always = exact && hosts.some(({ expired }) => !expired) ? [] : whole;
  const live = hosts.filter(({ expired }) => !expired).flatMap(({ egress, also = [] }) => [egress, ...also]);
  const namespaces = new Set([...always, ...live.filter((egress) => egress.endsWith("/*"))]);
  const isCovered = (egress: string) => !namespaces.has(egress) && namespaces.has(`${egress.split("/", 1)[0]}/*`);
  const rest = live.filter((egress) => !always.includes(egress) && !isCovered(egress));
  return [...always, ...[...new Set(rest)].sort()];
}

/**
 * Labels of the fence's pods: explicit ones; else, when asked for, the selector of the Service of
 * the same name; else Slime's legacy: `app: <fence>`.
 */
export function workloadLabels(fence: ServiceFence, registry: ServiceLookup, config: Config): Labels | undefined {
  const { namespace, name } = fence.metadata;
  const { labels, fromService } = fence.spec.workloadSelector;
  if (Object.keys(labels).length > 0) return labels;
  if (!fromService) return { [config.workloadLabel]: name };
  // An empty selector on a Sidecar would select the whole namespace, so a Service without one is
  // refused (istio/istio#46921).
  const selector = registry.service(namespace, name)?.spec.selector ?? {};
  return Object.keys(selector).length > 0 ? selector : undefined;
}

/**
 * Delta xDS is Istio's default since 1.22. While no version is known the filter stays as it is, and
 * a new fence has none. Without it a switch-over may cost a request; with it an Envoy that is too
 * old may crash.
 */
function wantsOnDemand({ config, proxyVersions, onDemandBefore = false }: RenderInput): boolean {
  if (config.onDemand !== "auto") return config.onDemand === "always";
  return proxyVersions.length === 0 ? onDemandBefore : proxyVersions.every((version) => isAtLeast(version, 1, 22));
}

function isAtLeast(version: string, major: number, minor: number): boolean {
  const [, theirMajor, theirMinor] = /^(\d+)\.(\d+)/.exec(version) ?? [];
  if (theirMajor === undefined) return false;
  return Number(theirMajor) > major || (Number(theirMajor) === major && Number(theirMinor) >= minor);
}
