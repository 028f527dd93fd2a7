/** A real Envoy, for tests. */

import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { until } from "@fenceline/api/testing";

/** An Envoy that runs. */
export interface RunningEnvoy {
  /** Port of the first listener. */
  readonly port: number;
  /**
   * Replaces the route configuration, as a push of istiod would, and resolves when Envoy has
   * accepted it.
   */
  setRoutes(routes: object): Promise<void>;
  /** Value of a counter or gauge. */
  stat(name: string): Promise<number>;
  stop(): Promise<void>;
}

/**
 * Starts an Envoy on free ports.
 *
 * @param configure makes the bootstrap configuration for the path of the route file; admin is added
 * here
 * @param routes the first content of the route file
 */
export async function startEnvoy(binary: string, configure: (routesPath: string) => object, routes: object): Promise<RunningEnvoy> {
  const folder = mkdtempSync(join(tmpdir(), "fenceline-envoy-"));
  const [bootstrap, routesPath, adminPath] = ["envoy.json", "routes.json", "admin"].map((name) => join(folder, name)) as [
    string,
    string,
    string,
  ];
  const admin = { address: { socket_address: { address: "127.0.0.1", port_value: 0 } } };
  writeFileSync(routesPath, discovery(routes, 0));
  writeFileSync(bootstrap, JSON.stringify({ admin, ...configure(routesPath) }));
  const flags = ["-c", bootstrap, "--admin-address-path", adminPath, "--disable-hot-restart", "--concurrency", "1", "-l", "error"];
  const envoy = spawn(binary, flags, { stdio: ["ignore", "inherit", "pipe"] });
  let errors = "";
  envoy.stderr?.setEncoding("utf8").on("data", (text: string) => {
    errors += text;
  });
  const exited = once(envoy, "exit");
  const stop = async () => {
    envoy.kill("SIGKILL");
    await exited;
    rmSync(folder, { recursive: true });
  };
  const adminAddress = () => (existsSync(adminPath) ? readFileSync(adminPath, "utf8") : "");
  const ask = async (path: string) => (await fetch(`http://${adminAddress()}${path}`)).text();
  const stat = async (name: string) => {
    const line = (await ask("/stats")).split("\n").find((text) => text.startsWith(`${name}: `));
    return Number(line?.slice(name.length + 2) ?? 0);
  };
  try {
    await until(async () => {
      if (envoy.exitCode !== null) throw new Error(`Envoy ended: ${errors}`);
      return adminAddress() !== "" && (await ask("/ready")).startsWith("LIVE");
    });
    const listeners = await ask("/listeners?format=json");
    const port = Number(/"port_value":\s*(\d+)/.exec(listeners)?.[1]);
    let version = 0;
    const setRoutes = async (next: object) => {
      const before = await stat("http.outbound.rds.routes.update_success");
      version += 1;
      writeFileSync(`${routesPath}.new`, discovery(next, version));
      renameSync(`${routesPath}.new`, routesPath);
      await until(async () => {
        if ((await stat("http.outbound.rds.routes.update_rejected")) > 0) throw new Error(`Envoy refused the routes: ${errors}`);
        return (await stat("http.outbound.rds.routes.update_success")) > before;
      });
    };
    return { port, setRoutes, stat, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

function discovery(routes: object, version: number): string {
  const resource = { "@type": "type.googleapis.com/envoy.config.route.v3.RouteConfiguration", name: "routes", ...routes };
  return JSON.stringify({ version_info: String(version), resources: [resource] });
}
