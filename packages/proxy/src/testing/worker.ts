/**
 * A worker module for tests: known services on loopback, and hosts that do to the worker what their
 * name says.
 */
import { pino } from "pino";
import { createGlobalSidecar } from "../global-sidecar.ts";
import type { Resolver, Target } from "../resolve/resolver.ts";
import { runWorker } from "../workers/run-worker.ts";
import { staticResolver } from "./proxy-under-test.ts";
import { CRASH, STALL, type TestWorkerSettings } from "./worker-settings.ts";

/** A resolver that does what the host's name says, and else takes the time it is told. */
function disturbedResolver({ services, cost = 0 }: TestWorkerSettings): Resolver {
  const known = staticResolver(services);
  return {
    resolve(target: Target) {
      if (target.host === STALL) compute(Number.POSITIVE_INFINITY);
      if (target.host === CRASH) {
        setImmediate(() => {
          throw new Error("crashed as asked");
        });
        return new Promise(() => {});
      }
      compute(cost);
      return known.resolve(target);
    },
  };
}

function compute(milliseconds: number): void {
  const end = performance.now() + milliseconds;
  while (performance.now() < end);
}

await runWorker<TestWorkerSettings>(({ listen, settings }) =>
  createGlobalSidecar({
    ...listen,
    allowLoopback: true,
    acceptPlaintext: true,
    resolver: disturbedResolver(settings),
    logger: pino({ level: "silent" }),
    ...(settings.load === undefined ? {} : { load: settings.load }),
  }),
);
