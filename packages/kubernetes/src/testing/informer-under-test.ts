import type { TestContext } from "node:test";
import { type FencelineError, SERVICE, type Service } from "@fenceline/api";
import { until } from "@fenceline/api/testing";
import type { KubernetesApiOptions } from "../client/kubernetes-api.ts";
import { Informer, type InformerOptions } from "../informer/informer.ts";
import { readerOf } from "../read-object.ts";
import { FakeApiServer } from "./fake-api-server.ts";
import { ManualClock } from "./manual-clock.ts";
import { SERVICES } from "./resources.ts";

/** A Service with a port, which is its content as far as the tests care. */
export function service(name: string, port = 80, more: object = {}): object {
  return { metadata: { name, namespace: "shop" }, spec: { ports: [{ port }] }, ...more };
}

/** Options of the informer, and what comes before it starts. */
export interface InformerSetup extends Partial<Omit<InformerOptions<Service>, "api">> {
  readonly prepare?: (server: FakeApiServer) => void;
  readonly client?: KubernetesApiOptions;
}

/**
 * An informer of Services, with a server and a clock that the test controls. Random numbers are 0:
 * pauses have their full length.
 */
export async function startInformer(t: TestContext, { prepare, client = {}, ...options }: InformerSetup = {}) {
  const server = await FakeApiServer.start(t);
  prepare?.(server);
  const clock = new ManualClock();
  /** `added web 80`, in the order in which the handler was told. */
  const told: string[] = [];
  const troubles: FencelineError[] = [];
  const api = server.api(t, { clock, ...client });
  const informer = new Informer<Service>({
    api,
    resource: SERVICES,
    parse: readerOf(SERVICE),
    clock,
    random: () => 0,
    onTrouble: (error) => troubles.push(error),
    ...options,
    onEvent: (event) => {
      const { metadata, spec } = event.object;
      told.push(`${event.type} ${metadata.name} ${spec.ports.map(({ port }) => port).join()}`);
      options.onEvent?.(event);
    },
  });
  t.after(() => informer.stop());
  informer.start();
  /** What is known now: names and ports. */
  const known = () => informer.objects().map(({ metadata, spec }) => `${metadata.name} ${spec.ports.map(({ port }) => port).join()}`);
  /** Resolves when a watch is open and the informer knows it. */
  const watching = () => until(() => server.openWatches(SERVICES) === 1 && informer.health().state === "watching");
  return { api, watching, server, clock, informer, told, troubles, known, until };
}

/** Whether a request lists, or watches, Services. */
export const isList = ({ path, query }: { path: string; query: URLSearchParams }): boolean =>
  path === "/api/v1/services" && !query.has("watch");
export const isWatch = ({ path, query }: { path: string; query: URLSearchParams }): boolean =>
  path === "/api/v1/services" && query.has("watch");
