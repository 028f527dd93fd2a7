import { type ServicePort, serviceObject } from "../../lab/kubernetes/manifests.ts";
import type { Lab } from "../../lab/lab.ts";
import type { AppPorts, TcpCall } from "../../pod-app/protocol.ts";
import type { Workload } from "../mesh/workload.ts";

/** A service that does not speak HTTP, or does not say what it speaks. */
export interface TcpCase {
  /** In a user's words. */
  readonly title: string;
  readonly service: string;
  readonly port: ServicePort;
  readonly speaksFirst: "client" | "server";
  readonly headless?: true;
}

/**
 * What the pods behind these services listen on. A port has one protocol only: Istio takes the
 * pod's port for what any of its services says.
 */
export const APP_PORTS: AppPorts = { http: [8_080], echo: [9_000, 9_010], greet: [9_001, 9_011, 8_888] };

/**
 * Istio waits for the first bytes of the client where a port has no name: such a server cannot be
 * reached, fenced or not.
 */
export const UNREACHABLE: TcpCase = one("server first, port without a name", "unnamed-greet", { port: 9_011 }, "server");

/**
 * Port numbers that another service declares as HTTP: so the fallback's Service has them, and every
 * fenced Envoy where no service has a listener of its own.
 */
export const HTTP_PORTS: readonly number[] = [80, 8_080, 8_888];

const CLIENT_FIRST: TcpCase = one("client first", "echo", { name: "tcp", port: 9_000 }, "client");
const SERVER_FIRST: TcpCase = one("server first", "greet", { name: "tcp", port: 9_001 }, "server");
const CLIENT_FIRST_ON_HTTP = one("client first, port 80", "echo-80", { name: "tcp", port: 80, targetPort: 9_000 }, "client");
const SERVER_FIRST_ON_HTTP = one("server first, port 80", "greet-80", { name: "tcp", port: 80, targetPort: 9_001 }, "server");
const MYSQL_ON_HTTP = one(
  "server first, port 8080, named mysql",
  "mysql-8080",
  { name: "mysql", port: 8_080, targetPort: 9_001 },
  "server",
);
const HEADLESS: TcpCase = {
  ...one("server first, headless, port 8888", "headless", { name: "tcp", port: 8_888 }, "server"),
  headless: true,
};
const UNNAMED = one("client first, port without a name", "unnamed", { port: 9_010 }, "client");
const UNNAMED_ON_HTTP = one("client first, port 80 without a name", "unnamed-80", { port: 80, targetPort: 9_010 }, "client");

export const CASES: readonly TcpCase[] = [
  CLIENT_FIRST,
  SERVER_FIRST,
  CLIENT_FIRST_ON_HTTP,
  SERVER_FIRST_ON_HTTP,
  MYSQL_ON_HTTP,
  HEADLESS,
  UNNAMED,
  UNNAMED_ON_HTTP,
];

/**
 * Makes the services of these cases, in front of the pod `b`, and tells what address each answers
 * at: its ClusterIP or, headless, the pod's.
 */
export async function applyCases(lab: Lab, cases: readonly TcpCase[], b: Workload): Promise<ReadonlyMap<TcpCase, string>> {
  const { namespace } = b.pod.spec;
  const elsewhere = HTTP_PORTS.map((port) => ({ name: `http-${port}`, port, targetPort: 8_080 }));
  await lab.kubernetes.apply(serviceObject(namespace, "http-elsewhere", elsewhere, { selector: { app: "b" } }));
  const addresses = new Map<TcpCase, string>();
  for (const one of cases) {
    const clusterIP = one.headless ? { clusterIP: "None" as const } : {};
    const service = serviceObject(namespace, one.service, [one.port], { selector: { app: "b" }, ...clusterIP });
    const { spec } = (await lab.kubernetes.apply(service)) as { spec?: { clusterIP?: string } };
    addresses.set(one, one.headless ? b.pod.address : (spec?.clusterIP ?? ""));
  }
  return addresses;
}

/**
 * One connection to an address of a case's service, and the line that has to come. By address,
 * because names are not what TCP carries.
 */
export function callOf(host: string, { port, speaksFirst }: TcpCase, b: Workload): TcpCall {
  const to = { host, port: port.port, timeout: 2_000 };
  return speaksFirst === "client" ? { ...to, send: "ping", expect: "ping" } : { ...to, expect: `hello from ${b.pod.spec.namespace}/b` };
}

function one(title: string, service: string, port: ServicePort, speaksFirst: TcpCase["speaksFirst"]): TcpCase {
  return { title, service, port, speaksFirst };
}
