import { isEgressHost, isJsonObject, Labels, MANAGED_BY_LABEL, MANAGER, ServiceFence, type WrittenObject } from "@fenceline/api";
import type { Exported } from "./exported.ts";
import { exportedFence } from "./exported-fence.ts";

/** The result of importing an object. */
export interface Imported {
  /** Undefined where a fence cannot express it. */
  readonly exported: Exported | undefined;
  /** Parts of it that have no meaning in a fence, and why. */
  readonly told: readonly string[];
}

export interface ImportOptions {
  /** Every fence shows this namespace. */
  readonly istioNamespace: string;
  readonly clusterDomain: string;
}

/** Reads a Sidecar, by a person or Kiali, as the declaration of which hosts a workload calls. */
export function importedSidecar({ metadata, spec }: WrittenObject, options: ImportOptions): Imported {
  if (metadata.labels[MANAGED_BY_LABEL] === MANAGER) return refused("Fenceline rendered it: import its ServiceFence");
  const labels = Labels.catch({}).parse(isJsonObject(spec.workloadSelector) ? spec.workloadSelector.labels : undefined);
  if (Object.keys(labels).length === 0) return refused("it is for all pods of its namespace, and a fence is for those of one workload");
  const listeners = (Array.isArray(spec.egress) ? spec.egress : []).map((listener, at) =>
    readListener(listener, at, metadata.namespace, options),
  );
  const read = listeners.flatMap(({ hosts }) => hosts);
  const told = [...Object.keys(spec).flatMap((field) => MEANINGLESS.get(field) ?? []), ...listeners.flatMap((listener) => listener.told)];
  const fence = ServiceFence.parse({
    apiVersion: "microservice.slime.io/v1alpha1",
    kind: "ServiceFence",
    metadata: { name: metadata.name, namespace: metadata.namespace },
    spec: {
      enable: true,
      workloadSelector: { labels },
      namespaceSelector: [...new Set(read.flatMap(({ namespace }) => namespace ?? []))],
      host: Object.fromEntries(read.flatMap(({ host }) => (host === undefined ? [] : [[host, { stable: {} }]]))),
    },
  });
  return { exported: exportedFence({ fence, status: fence.status }), told };
}

/** Fields of a Sidecar for which a fence has no equivalent. */
const MEANINGLESS: ReadonlyMap<string, string> = new Map([
  ["ingress", "ingress: a fence leaves inbound calls alone"],
  ["outboundTrafficPolicy", "outboundTrafficPolicy: calls to hosts that a fence does not show take the fallback"],
  ["inboundConnectionPool", "inboundConnectionPool: a fence leaves inbound calls alone"],
]);

interface ReadHost {
  readonly host?: string;
  readonly namespace?: string;
  readonly told?: string;
}

/** Only the hosts of a listener have a meaning. */
function readListener(listener: unknown, at: number, home: string, options: ImportOptions) {
  const fields = isJsonObject(listener) ? listener : {};
  const hosts = (Array.isArray(fields.hosts) ? fields.hosts : []).map((host) => ({
    text: String(host),
    ...readHost(String(host), home, options),
  }));
  const ports = ["port", "bind", "captureMode"].filter((field) => fields[field] != null);
  return {
    hosts,
    told: [
      ...ports.map((field) => `egress[${at}].${field}: a fence shows its hosts on all of their ports`),
      ...hosts.flatMap(({ text, told }) => (told === undefined ? [] : `egress[${at}].hosts ${text}: ${told}`)),
    ],
  };
}

/** `<namespace>/<host>`, where `.` is the Sidecar's own namespace, `*` any, and `~` none. */
function readHost(text: string, home: string, { istioNamespace, clusterDomain }: ImportOptions): ReadHost {
  if (text.startsWith("~")) return { told: "a fence hides whatever it does not show, so there is nothing to leave out" };
  const [place = "", host = "", ...rest] = text.split("/");
  const namespace = place === "." ? home : place;
  if (host === "" || rest.length > 0) return { told: "no <namespace>/<host>" };
  if (host === "*") {
    if (namespace === "*") return { namespace: "*" };
    if (namespace === istioNamespace) return { told: "every fence shows it" };
    return isEgressHost(`${namespace}/*`) ? { host: `${namespace}/*` } : { told: "no name of a namespace" };
  }
  if (!isEgressHost(host)) return { told: "no host name" };
  const isOfNamespace = namespace === "*" || host.endsWith(`.${namespace}.svc.${clusterDomain}`);
  return { host, ...(!isOfNamespace && { told: `a fence shows ${host} of whichever namespace has it` }) };
}

function refused(reason: string): Imported {
  return { exported: undefined, told: [reason] };
}
