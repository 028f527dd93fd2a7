/**
 * The renderer of a kind that lives in tests only: filters and routes at the called, the caller, a
 * gateway.
 */
import { type ConfigPatch, type EnvoyFilter, type EnvoyValue, renderedMeta } from "@fenceline/api";
import type { Pump } from "@fenceline/api/testing";
import { filterSpec, type HttpFilter, httpFilterPatches } from "../envoy/filter-order.ts";
import { clusterAdded, extensionConfigAdded, type ListenerPlace, mergedInto, type RoutePlace, routesFirst } from "../envoy/patch.ts";

type Stage = Pump["spec"]["stages"][number];

const CONTEXTS = { Outbound: "SIDECAR_OUTBOUND", Inbound: "SIDECAR_INBOUND", Gateway: "GATEWAY" } as const;
const NAME = "com.example.pump";
const TYPE = "type.googleapis.com/com.example.Pump";

/** @param quotas what passes at each stage, by its name */
export function renderPump(pump: Pump, quotas: ReadonlyMap<string, number>): EnvoyFilter {
  const patches = pump.spec.stages.flatMap((stage) => stagePatches(pump, stage, quotas.get(stage.name) ?? 0));
  return {
    apiVersion: "networking.istio.io/v1alpha3",
    kind: "EnvoyFilter",
    metadata: renderedMeta(pump, `pump-${pump.metadata.name}`),
    spec: filterSpec("limit", pump.spec.workloadLabels, patches),
  };
}

/**
 * The filter once for each listener, and what it says for a route where a call of the stage goes.
 */
function stagePatches({ spec }: Pump, { name, listenerType, settings = {}, rawPatch }: Stage, quota: number): readonly ConfigPatch[] {
  const context = CONTEXTS[listenerType];
  const filter: HttpFilter = {
    name: NAME,
    phase: "limit",
    config: { ...(settings as Readonly<Record<string, EnvoyValue>>), "@type": TYPE },
  };
  const fields = { typed_per_filter_config: { [NAME]: { "@type": TYPE, stage: name, quota } } };
  const port = spec.pressure;
  const inbound: RoutePlace = { context, virtualHost: `inbound|http|${port}`, route: "default" };
  const merged =
    listenerType === "Inbound"
      ? [mergedInto({ applyTo: "HTTP_ROUTE", ...inbound }, fields)]
      : spec.hosts.map((host) => mergedInto({ applyTo: "VIRTUAL_HOST", context, virtualHost: `${host}:${port}` }, fields));
  const closed = quota === 0 ? routesFirst({ context }, [{ match: { prefix: "/" }, direct_response: { status: 429 } }]) : [];
  const place = { context, ...(listenerType === "Gateway" && { portNumber: port }) };
  const raw = rawPatch === undefined ? [] : rawPatches(rawPatch as Readonly<Record<string, EnvoyValue>>, place, spec.hosts);
  return [...merged, ...closed, ...httpFilterPatches([filter], place), ...raw];
}

/** Fields for each sort of thing in a place, a cluster of its own, and a filter set up by ECDS. */
function rawPatches(fields: Readonly<Record<string, EnvoyValue>>, place: ListenerPlace, hosts: readonly string[]): readonly ConfigPatch[] {
  const { context } = place;
  const discovered: HttpFilter = {
    name: `${NAME}.wasm`,
    phase: "plugin",
    config: { discoveredTypes: [TYPE], meanwhile: { "@type": TYPE, stage: "none" } },
  };
  return [
    mergedInto({ applyTo: "LISTENER", ...place }, fields),
    mergedInto({ applyTo: "HTTP_FILTER", filter: NAME, type: TYPE, ...place }, fields),
    mergedInto({ applyTo: "ROUTE_CONFIGURATION", context }, fields),
    ...hosts.map((service) => mergedInto({ applyTo: "CLUSTER", context, service, portNumber: 80 }, fields)),
    clusterAdded({ context }, { name: NAME, type: "STRICT_DNS" }),
    extensionConfigAdded(discovered.name, { "@type": TYPE, stage: "all" }),
    ...httpFilterPatches([discovered], place),
  ];
}
