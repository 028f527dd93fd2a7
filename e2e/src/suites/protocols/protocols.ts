/**
 * gRPC, HTTP/2, WebSocket and the rest of HTTP/1.1: what a fenced workload calls first arrives by
 * way of the fallback as it would directly.
 */
import { Fenceline } from "../../fenceline/install.ts";
import type { Lab } from "../../lab/lab.ts";
import type { Report, Suite } from "../suite.ts";
import { untilClientProtocol, withoutClientProtocol } from "./client-protocol.ts";
import { ends } from "./ends.ts";
import { firstCalls, unfencedCalls } from "./first-calls.ts";
import { http1 } from "./http1.ts";
import { openLongLived } from "./long-lived.ts";
import { fenceCaller, startScene } from "./scene.ts";
import { webSockets } from "./web-sockets.ts";

export const protocols: Suite = { name: "protocols", run };

async function run(lab: Lab, report: Report): Promise<void> {
  const fenceline = await report.step("Fenceline is installed", () => Fenceline.install(lab));
  const scene = await report.step("a caller, and a callee with many names, start", () => startScene(lab, fenceline));
  await unfencedCalls(report, scene);
  await report.step("a fence without hosts reaches the caller's Envoy", () => fenceCaller(scene));
  await report.step("the way to the fallback keeps the client's protocol", () => untilClientProtocol(lab, scene, true));
  const longLived = await openLongLived(report, scene);
  await http1(report, scene);
  await webSockets(report, scene);
  await firstCalls(report, scene);
  await ends(report, scene);
  await longLived.end();
  await withoutClientProtocol(report, scene);
}
