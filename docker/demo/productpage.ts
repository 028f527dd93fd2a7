/**
 * The caller of the demo: once a second it calls each host through its Envoy. Usage: node
 * productpage.ts ENVOY_URL HOST…
 */
import { request } from "node:http";

const [envoy = "", ...hosts] = process.argv.slice(2);

/** `fetch` may not set Host. */
function call(host: string): void {
  const asked = request(envoy, { headers: { host }, timeout: 5_000 }, (response) => {
    response.resume();
    // Envoy's routes set this header to the way that they use.
    process.stdout.write(`${host} ${response.statusCode} ${response.headers["x-demo-hop"] ?? ""}\n`);
  });
  asked.on("timeout", () => asked.destroy(new Error("timed out")));
  asked.on("error", ({ message }) => process.stdout.write(`${host} ${message}\n`));
  asked.end();
}

const timer = setInterval(() => hosts.forEach(call), 1_000);
process.once("SIGTERM", () => clearInterval(timer));
