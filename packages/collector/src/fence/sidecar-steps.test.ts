import assert from "node:assert/strict";
import { test } from "node:test";
import { Config, parkedHosts, type RenderedObject, sidecarHosts } from "@fenceline/api";
import { ParkedHosts, renderFence } from "@fenceline/render/fence";
import { fenceOf } from "../testing/mesh.ts";
import { nextStep } from "./sidecar-steps.ts";

const PAUSE = 100;

/** What a fence renders in the end. */
function wanted(mode: "Enforce" | "Observe" | "Off", hosts: readonly string[], onDemand: "always" | "never" = "always") {
  return renderFence({
    fence: fenceOf({ mode }),
    hosts: hosts.map((host) => ({ host, egress: `test1/${host}`, source: "learned", expired: false })),
    labels: { app: "a" },
    config: Config.parse({ onDemand }),
    proxyVersions: [],
  }).objects;
}

/**
 * Objects over time, each set made from the one before it; hosts that begin with `web` are HTTP.
 */
class Steps {
  present: readonly RenderedObject[] = [];
  nextStepIn: number | undefined;
  readonly #parked = new ParkedHosts();
  #clock = 0;

  to(objects: readonly RenderedObject[], after = 0): this {
    this.#clock += after;
    this.#see();
    const isHttp = (egress: string) => egress.startsWith("test1/web");
    const step = nextStep(this.present, objects, { parked: this.#parked, isHttp, pause: PAUSE, clock: this.#clock });
    this.present = step.objects;
    this.nextStepIn = step.nextStepIn;
    this.#see();
    return this;
  }

  get hosts() {
    return { shown: this.present.flatMap(sidecarHosts).slice(2), parked: this.present.flatMap(parkedHosts) };
  }

  #see(): void {
    this.#parked.see(
      this.present.find((object) => object.kind === "Sidecar"),
      this.#clock,
    );
  }
}

/** A fence in force. */
function enforced(hosts: readonly string[], onDemand: "always" | "never" = "always"): Steps {
  const steps = new Steps().to(wanted("Enforce", hosts, onDemand)).to(wanted("Enforce", hosts, onDemand), PAUSE);
  assert.deepEqual([steps.present, steps.nextStepIn], [wanted("Enforce", hosts, onDemand), undefined]);
  return steps;
}

test("an HTTP host comes in one step where the Envoys have the on_demand filter, and any other in two", () => {
  const steps = enforced([]).to(wanted("Enforce", ["web", "db"]));
  assert.deepEqual(steps.hosts, { shown: ["test1/web"], parked: ["test1/db"] });
  assert.equal(steps.nextStepIn, PAUSE);
  assert.deepEqual(steps.to(wanted("Enforce", ["web", "db"]), PAUSE).present, wanted("Enforce", ["web", "db"]));
});

test("without the filter every host comes in two steps, also where the filter comes with it", () => {
  for (const onDemand of ["never", "always"] as const) {
    const steps = enforced([], "never").to(wanted("Enforce", ["web"], onDemand));
    assert.deepEqual(steps.hosts, { shown: [], parked: ["test1/web"] });
  }
});

test("a fence that is switched off keeps what catches calls until every Envoy knows the whole mesh", () => {
  for (const mode of ["Off", "Observe"] as const) {
    const before = wanted("Enforce", ["web"]);
    const [filter] = before;
    const steps = enforced(["web"]).to(wanted(mode, ["web"]));
    assert.deepEqual([steps.hosts, steps.present[0]], [{ shown: ["test1/web"], parked: ["*/*"] }, filter]);
    assert.deepEqual(steps.to(wanted(mode, ["web"]), PAUSE).present, [filter]);
    assert.equal(steps.nextStepIn, PAUSE);
    assert.deepEqual(steps.to(wanted(mode, ["web"]), PAUSE - 1).present, [filter]);
    assert.deepEqual([steps.to(wanted(mode, ["web"]), 1).present, steps.nextStepIn], [wanted(mode, ["web"]), undefined]);
  }
});

test("a fence that is switched on again meanwhile is in force at once", () => {
  const steps = enforced(["web"])
    .to([])
    .to(wanted("Enforce", ["web"]), 1);
  assert.deepEqual(steps.hosts.shown, ["test1/web"]);
  assert.deepEqual(steps.to(wanted("Enforce", ["web"]), 2 * PAUSE).present, wanted("Enforce", ["web"]));
});
