/**
 * What istiod does for a fence, on one page: reads the rendered Sidecar and EnvoyFilter of
 * productpage and writes Envoy's routes whenever they change.
 *
 * Usage: node istiod.ts FOLDER_OF_RENDERED_OBJECTS ROUTES_FILE
 */
import { mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { parse } from "yaml";

interface Sidecar {
  readonly spec: { readonly egress: readonly { readonly hosts: readonly string[] }[] };
}
interface EnvoyFilter {
  readonly spec: { readonly configPatches: readonly { readonly applyTo: string; readonly patch: { readonly value: object } }[] };
}

const [rendered = "", routesFile = ""] = process.argv.slice(2);
const NAMESPACE = "bookinfo";
let written = "";

mkdirSync(dirname(routesFile), { recursive: true });
push();
const timer = setInterval(push, 100);
process.once("SIGTERM", () => clearInterval(timer));

function push(): void {
  const routes = JSON.stringify({ resources: [routeConfiguration()] });
  if (routes === written) return;
  // Envoy reads the file again when another one is moved to its path.
  writeFileSync(`${routesFile}.new`, routes);
  renameSync(`${routesFile}.new`, routesFile);
  written = routes;
}

function routeConfiguration(): object {
  const hosts = read<Sidecar>("Sidecar")?.spec.egress.flatMap((egress) => egress.hosts) ?? [];
  const services = hosts.flatMap((host) => (host.startsWith(`${NAMESPACE}/`) ? [host.slice(NAMESPACE.length + 1)] : []));
  return {
    "@type": "type.googleapis.com/envoy.config.route.v3.RouteConfiguration",
    name: "outbound",
    virtual_hosts: [...services.map(direct), { name: "allow_any", domains: ["*"], routes: fallback() }],
  };
}

/** A service that the fence shows, by each of its names. */
function direct(host: string): object {
  const [name = ""] = host.split(".");
  const names = [name, `${name}.${NAMESPACE}`, `${name}.${NAMESPACE}.svc`, host];
  const route = { match: { prefix: "/" }, route: { cluster: `outbound|80||${host}`, timeout: "0s" }, ...hop("direct") };
  return { name: host, domains: names.map((one) => `${one}:80`), routes: [route] };
}

/** The catch-all route that the EnvoyFilter inserts; none while there is no fence. */
function fallback(): object[] {
  const patches = read<EnvoyFilter>("EnvoyFilter")?.spec.configPatches ?? [];
  const route = patches.find(({ applyTo }) => applyTo === "HTTP_ROUTE")?.patch.value;
  return route === undefined ? [] : [{ ...route, ...hop("fallback") }];
}

function hop(value: string): object {
  return { response_headers_to_add: [{ header: { key: "x-demo-hop", value } }] };
}

function read<T>(kind: string): T | undefined {
  try {
    return parse(readFileSync(join(rendered, `${kind}-productpage.yaml`), "utf8"));
  } catch {
    return undefined; // Not rendered yet, or not any more.
  }
}
