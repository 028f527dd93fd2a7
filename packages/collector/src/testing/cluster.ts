/** A whole collector over an API server that a test controls: what is between the two is real. */
import type { TestContext } from "node:test";
import { meshKindsFor, OWN_KINDS, type OwnKind, type ServiceFenceStatus } from "@fenceline/api";
import { FakeApiServer, type Resource } from "@fenceline/kubernetes/testing";
import { KubernetesStore } from "@fenceline/store/kubernetes";
import {
  ENDPOINT_SLICES,
  FENCE,
  fence,
  ManualLeadership,
  MESH_CONFIG_MAP,
  NAMESPACES,
  SERVICE_FENCES,
  SERVICES,
} from "@fenceline/store/kubernetes/testing";
import { pino } from "pino";
import { Collector } from "../collector.ts";
import { DRIVERS, type Drivers } from "../kinds.ts";
import { CONFIG } from "./mesh.ts";

const [FENCES] = SERVICE_FENCES as [Resource, Resource];

/** What stands for an installation by the chart. A mesh has it where a test puts it there. */
export const CLUSTER_ROLE = { metadata: { name: "fenceline-collector", uid: "22222222-2222-4222-8222-222222222222" } };

/** Leadership that a test may also give. */
class GivenLeadership extends ManualLeadership {
  constructor(leads: boolean) {
    super();
    this.leads = leads;
  }
}

/** Kinds that are no product's. Default: ours. */
interface MoreKinds {
  readonly kinds?: readonly OwnKind[];
  readonly drivers?: Drivers;
}

/** A line of a log: its fields and its message. */
type LogLine = Readonly<Record<string, unknown>> & { readonly msg: string; readonly level: number };

/**
 * A mesh with fence `test1/a` and a fallback, and nothing that stands in the way unless `prepare`
 * puts it there.
 */
export async function startCluster(
  t: TestContext,
  prepare: (server: FakeApiServer) => void = () => {},
  leads = true,
  config = CONFIG,
  meshConfigMaps = [MESH_CONFIG_MAP],
  more: MoreKinds = {},
) {
  const server = await FakeApiServer.start(t);
  server.put(NAMESPACES, { metadata: { name: "test1" } });
  server.put(SERVICES, {
    metadata: { name: "global-sidecar", namespace: "mesh-operator" },
    spec: { clusterIP: "10.0.0.9", ports: [{ name: "http-80", port: 80 }] },
  });
  server.put(ENDPOINT_SLICES, {
    metadata: { name: "g", namespace: "mesh-operator", labels: { "kubernetes.io/service-name": "global-sidecar" } },
    endpoints: [{ addresses: ["10.0.1.9"] }],
    ports: [{ name: "http-80", port: 18_080 }],
  });
  server.put(FENCES, fence());
  prepare(server);
  const replica = await startReplica(t, server, leads, config, meshConfigMaps, more);
  const { lines, collector } = replica;
  /** `True OtherSidecar` */
  const condition = (type: string) => {
    const { conditions = [] } = (server.get(FENCES, FENCE)?.status ?? {}) as Partial<ServiceFenceStatus>;
    const { status, reason } = conditions.find((candidate) => candidate.type === type) ?? {};
    return status === undefined ? undefined : `${status} ${reason}`;
  };
  const message = (type: string) => {
    const { conditions = [] } = (server.get(FENCES, FENCE)?.status ?? {}) as Partial<ServiceFenceStatus>;
    return conditions.find((candidate) => candidate.type === type)?.message ?? "";
  };
  const warnings = () => lines.filter(({ level }) => level >= 40);
  const metrics = () => collector.metrics.metrics();
  return { server, ...replica, condition, message, warnings, metrics };
}

/** One collector of a mesh. */
export async function startReplica(
  t: TestContext,
  server: FakeApiServer,
  leads = true,
  config = CONFIG,
  meshConfigMaps = [MESH_CONFIG_MAP],
  { kinds = OWN_KINDS, drivers = DRIVERS }: MoreKinds = {},
) {
  const leadership = new GivenLeadership(leads);
  const installation = CLUSTER_ROLE.metadata.name;
  const mesh = meshKindsFor(config);
  const store = await KubernetesStore.open({
    api: server.api(t),
    leadership,
    onTrouble: () => {},
    mesh,
    meshConfigMaps,
    installation,
    kinds,
  });
  const lines: LogLine[] = [];
  const logger = pino({ base: null }, { write: (line: string) => void lines.push(JSON.parse(line)) });
  const address = { host: "127.0.0.1", port: 0 };
  const collector = await Collector.start({
    store,
    config,
    logger,
    accessLogs: address,
    leads: () => leadership.mayWrite(),
    fallbackReady: (mesh) => mesh.hasFallback(),
    drivers,
  });
  t.after(async () => {
    await collector.close();
    await store.close();
  });
  return { store, collector, leadership, lines };
}
