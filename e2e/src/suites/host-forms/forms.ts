import type { ServicePort } from "../../lab/kubernetes/manifests.ts";
import type { HttpCall } from "../../pod-app/protocol.ts";
import { HTTP_PORT } from "../mesh/workload.ts";

export const NAMESPACE = "host-forms";

/** What a form of a host is made from. */
export interface ServiceAddress {
  readonly name: string;
  /** `None` for a headless Service. */
  readonly clusterIP: string;
}

/**
 * One way to say which service is meant, with a service of its own that nobody has called before.
 */
export interface Form {
  /** In a user's words; also tells the forms apart. */
  readonly title: string;
  /** Name of its Service. */
  readonly service: string;
  readonly ports: readonly ServicePort[];
  readonly headless?: true;
  /**
   * Other ports of the same service, which have to be direct as soon as the one that was called is.
   */
  readonly alsoDirect?: readonly string[];
  call(service: ServiceAddress): HttpCall;
}

/** Port and target port of a headless Service: nobody translates between two. */
export const POD_PORT = 8_080;
/** No Service but those of one form has it. */
const LONELY_PORT = 7_777;
const SEVERAL: readonly ServicePort[] = [
  HTTP_PORT,
  { name: "http-admin", port: 8_081, targetPort: POD_PORT },
  { name: "grpc-web-api", port: 9_090, targetPort: POD_PORT },
];
export const HEADLESS: readonly ServicePort[] = [{ name: "http", port: POD_PORT }];

/** Pods that a headless Service names in DNS. A pod has such a name in one Service only. */
export const NAMED_PODS = [
  { pod: "pod-0", service: "headless-pod" },
  { pod: "pod-1", service: "headless-pod-full" },
  { pod: "pod-2", service: "headless-pod-three" },
] as const;
const [BY_POD, BY_POD_FULL] = NAMED_PODS;
/**
 * Called as `<pod>.<service>.<namespace>`, which no expression can tell from `www.example.com`: see
 * the suite.
 */
export const THREE_LABELS = NAMED_PODS[2];

/** Ports that these forms call: the fallback's Service has to have them all. */
export const PORTS: readonly number[] = [80, POD_PORT, 8_081, 9_090, LONELY_PORT];

const qualified = (name: string) => `${name}.${NAMESPACE}.svc.cluster.local`;
const url = (host: string) => ({ url: `http://${host}/` });

/**
 * `new URL` makes a host lower case and drops port 80, so a Host header has to say what such a form
 * is about.
 */
const sent = (host: string, dialled: string) => ({ ...url(dialled), headers: { host } });

export const FORMS: readonly Form[] = [
  form("short name", "short", ({ name }) => url(name)),
  form("<service>.<namespace>", "two-labels", ({ name }) => url(`${name}.${NAMESPACE}`)),
  form("<service>.<namespace>.svc", "three-labels", ({ name }) => url(`${name}.${NAMESPACE}.svc`)),
  form("fully qualified", "qualified", ({ name }) => url(qualified(name))),
  form("fully qualified, trailing dot", "dot", ({ name }) => url(`${qualified(name)}.`)),
  form("upper case, short", "upper-short", ({ name }) => sent(name.toUpperCase(), name)),
  form("upper case, fully qualified", "upper", ({ name }) => sent(qualified(name).toUpperCase(), name)),
  form("short name:80", "port-80", ({ name }) => sent(`${name}:80`, name)),
  form("fully qualified:80, trailing dot", "dot-port", ({ name }) => sent(`${qualified(name)}.:80`, name)),
  form("ClusterIP", "cluster-ip", ({ clusterIP }) => url(clusterIP)),
  form("ClusterIP:80", "cluster-ip-port", ({ clusterIP }) => sent(`${clusterIP}:80`, clusterIP)),
  { ...form("ClusterIP:8081", "cluster-ip-8081", ({ clusterIP }) => url(`${clusterIP}:8081`)), ports: SEVERAL },
  ...SEVERAL.map(({ port }) => severalPorts(port)),
  {
    ...form(`port ${LONELY_PORT}, of no other service`, "lonely", ({ name }) => url(`${name}:${LONELY_PORT}`)),
    ports: [{ name: "http", port: LONELY_PORT, targetPort: POD_PORT }],
  },
  headless("headless, by Service", "headless", ({ name }) => url(`${name}:${POD_PORT}`)),
  headless("headless, by Service, fully qualified", "headless-full", ({ name }) => url(`${qualified(name)}:${POD_PORT}`)),
  headless("headless, <pod>.<service>", BY_POD.service, ({ name }) => url(`${BY_POD.pod}.${name}:${POD_PORT}`)),
  headless("headless, by pod, fully qualified", BY_POD_FULL.service, ({ name }) =>
    url(`${BY_POD_FULL.pod}.${qualified(name)}:${POD_PORT}`),
  ),
];

function form(title: string, service: string, call: Form["call"]): Form {
  return { title, service, ports: [HTTP_PORT], call };
}

function headless(title: string, service: string, call: Form["call"]): Form {
  return { title, service, ports: HEADLESS, headless: true, call };
}

function severalPorts(port: number): Form {
  const at = (name: string, of: number) => `http://${name}.${NAMESPACE}:${of}/`;
  const service = `several-${port}`;
  const others = SEVERAL.filter((other) => other.port !== port).map((other) => at(service, other.port));
  return {
    title: `one of three ports, ${port} first`,
    service,
    ports: SEVERAL,
    alsoDirect: others,
    call: () => ({ url: at(service, port) }),
  };
}
