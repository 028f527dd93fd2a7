import type { TestContext } from "node:test";
import type { FencelineError } from "@fenceline/api";
import { until } from "@fenceline/api/testing";
import { FakeApiServer, ManualClock } from "@fenceline/kubernetes/testing";
import type { MeshChanges } from "../../store.ts";
import { KubernetesStore, type KubernetesStoreOptions } from "../kubernetes-store.ts";
import { CONFIG_MAPS } from "./resources.ts";

/** Leadership that a test gives and takes. */
export class ManualLeadership {
  leads = true;
  #term = new AbortController();

  mayWrite(): boolean {
    return this.leads;
  }

  term(): AbortSignal {
    return this.#term.signal;
  }

  /** Another process leads from now on. */
  lose(): void {
    this.leads = false;
    this.#term.abort();
  }
}

/** Where a mesh has its MeshConfig, unless somebody says otherwise. */
export const MESH_CONFIG_MAP = { namespace: "istio-system", name: "istio" };

/**
 * A store on a server that a test controls. Time passes only as far as it must: changes settle at
 * once.
 */
export async function openStore(t: TestContext, prepare: (server: FakeApiServer) => void = () => {}) {
  const server = await FakeApiServer.start(t);
  server.put(CONFIG_MAPS, { metadata: MESH_CONFIG_MAP });
  prepare(server);
  return { server, ...(await openStoreOn(t, server)) };
}

/** One more store on the same server, as another replica has it. */
export async function openStoreOn(
  t: TestContext,
  server: FakeApiServer,
  tables: Partial<Pick<KubernetesStoreOptions, "meshConfigMaps" | "kinds" | "mesh">> = {},
) {
  const clock = new ManualClock();
  const leadership = new ManualLeadership();
  const troubles: FencelineError[] = [];
  const onTrouble = (error: FencelineError) => troubles.push(error);
  const store = await KubernetesStore.open({
    ...{ api: server.api(t, { clock }), clock, leadership, onTrouble, settleTime: 1 },
    meshConfigMaps: [MESH_CONFIG_MAP],
    ...tables,
  });
  t.after(() => store.close());
  const told: MeshChanges[] = [];
  store.onChange((changes) => void told.push(changes));
  /** Resolves when the condition holds, letting changes settle meanwhile. */
  const settled = (condition: () => boolean) =>
    until(() => {
      clock.advance(clock.pauses().includes(1) ? 1 : 0);
      return condition();
    });
  await settled(() => store.health().every(({ state }) => state === "watching" || state === "unavailable"));
  return { store, clock, leadership, troubles, settled, told, snapshots: () => told.length };
}
