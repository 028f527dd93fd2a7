import { Fenceline, NAMESPACE } from "../../fenceline/install.ts";
import type { KubernetesObject } from "../../lab/kubernetes/object.ts";
import type { Lab } from "../../lab/lab.ts";
import type { HttpAnswer } from "../../pod-app/protocol.ts";
import { applyFence, untilFenced } from "../mesh/fence.ts";
import { untilMeshKnows } from "../mesh/routes.ts";
import { applyServices, startWorkload, type Workload } from "../mesh/workload.ts";
import { CollectorMetrics } from "../replicas/collector-metrics.ts";

/** Namespace of those who are attacked, and of those who attack. */
export const VICTIMS = "victims";
export const ATTACKERS = "attackers";
/**
 * A host of {@link ATTACKERS} that a VirtualService of theirs sends to the global sidecar, headers
 * and all.
 */
const RELAY = "relay.example";

const FALLBACK_HOST: string = `global-sidecar.${NAMESPACE}.svc.cluster.local`;
export const COLLECTOR: string = `fenceline-collector.${NAMESPACE}`;

/** Who is there. */
export interface Scene {
  readonly lab: Lab;
  readonly fenceline: Fenceline;
  /** The workload whose fence is attacked. It calls nobody, so its fence is empty. */
  readonly victim: Workload;
  /** What nobody may make the victim see. */
  readonly secret: Workload;
  /**
   * A pod of another namespace with a fence of its own, so that its Envoy sends unknown hosts to
   * the global sidecar.
   */
  readonly fenced: Workload;
  /** One without a fence, whose calls to the global sidecar go by {@link relay}. */
  readonly unfenced: Workload;
  readonly collectors: readonly CollectorMetrics[];
}

/** Starts everybody. */
export async function setScene(lab: Lab): Promise<Scene> {
  const fenceline = await Fenceline.install(lab);
  await Promise.all([VICTIMS, ATTACKERS].map((namespace) => lab.namespace(namespace)));
  await applyServices(lab, VICTIMS, ["victim"], "victim");
  await applyServices(lab, VICTIMS, ["secret"], "secret");
  await applyFence(lab, VICTIMS, "victim");
  await applyFence(lab, ATTACKERS, "fenced");
  const secret = await startWorkload(lab, VICTIMS, "secret", { http: [8_080] });
  const victim = await startWorkload(lab, VICTIMS, "victim", { http: [8_080] });
  const fenced = await startWorkload(lab, ATTACKERS, "fenced");
  const unfenced = await startWorkload(lab, ATTACKERS, "unfenced");
  for (const caller of [victim, fenced]) await untilFenced(lab, caller);
  await untilMeshKnows(lab, fenceline, [`secret.${VICTIMS}.svc.cluster.local`]);
  const collectors = await Promise.all(fenceline.collectors.map((pod) => CollectorMetrics.of(pod)));
  return { lab, fenceline, victim, secret, fenced, unfenced, collectors };
}

/**
 * A call with another host than the one that is dialled: to a fenced Envoy it is an unknown host on
 * port 80.
 */
export function callAs({ app }: Workload, host: string, path = "/"): Promise<HttpAnswer> {
  return app.call({ url: `http://${FALLBACK_HOST}${path}`, headers: { host } });
}

/**
 * Calls the global sidecar with headers of the attacker's own choice, as nothing but its
 * namespace's rights allow: a VirtualService that is visible there alone sends {@link RELAY} to it.
 */
export async function relay({ lab }: Scene, { app, pod }: Workload, authority: string, headers: Readonly<Record<string, string>>) {
  await lab.kubernetes.apply(relayTo(authority));
  const domain = JSON.stringify(authority);
  await lab.until(`the relay to ${authority} in ${pod.spec.name}'s Envoy`, async () =>
    JSON.stringify(await pod.envoy.configDump("?resource=dynamic_route_configs")).includes(`"host_rewrite_literal":${domain}`),
  );
  return app.call({ url: `http://${FALLBACK_HOST}/`, headers: { ...headers, host: RELAY } });
}

function relayTo(authority: string): KubernetesObject {
  const destination = { host: FALLBACK_HOST, port: { number: 80 } };
  return {
    apiVersion: "networking.istio.io/v1",
    kind: "VirtualService",
    metadata: { namespace: ATTACKERS, name: "relay" },
    spec: { hosts: [RELAY], exportTo: ["."], http: [{ rewrite: { authority }, route: [{ destination }] }] },
  };
}
