/**
 * The renderer of a kind that lives in tests only: filters and routes at the called, the caller, a
 * gateway.
 */
import { type ConfigPatch, type EnvoyFilter, type EnvoyValue, renderedMeta } from "@fenceline/api";
import type { Pump } from "@fenceline/api/testing";
import { filterSpec, type HttpFilter, httpFilterPatches } from "../envoy/filter-order.ts";
import { mergedInto, type RoutePlace, routesFirst } from "../envoy/patch.ts";

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
function stagePatches({ spec }: Pump, { name, listenerType, settings = {} }: Stage, quota: number): readonly ConfigPatch[] {
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
  return [...merged, ...closed, ...httpFilterPatches([filter], place)];
}
