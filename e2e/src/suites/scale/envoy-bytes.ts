/** What an Envoy allocates for what it is told of: the model that reports use, held to an Envoy. */
import assert from "node:assert/strict";
import { bytesOf, ENVOY_BYTES } from "@fenceline/render/report";
import type { Lab } from "../../lab/lab.ts";
import { startWorkload } from "../mesh/workload.ts";
import type { Report, Suite } from "../suite.ts";
import { type Footprint, footprintOf } from "./footprint.ts";
import { type ServiceShape, UnrelatedServices } from "./unrelated-services.ts";

const NAMESPACE = "envoy-bytes";
const MB = 1_000_000;

const HTTP = { name: "http", port: 80, targetPort: 8_080 };
const TCP = { name: "tcp", port: 5_432, targetPort: 5_432 };

/** Services of one shape, so many of them. */
interface Batch extends ServiceShape {
  readonly what: string;
  readonly count: number;
}

/** The first three say what each part takes by itself, the others whether the parts add up. */
const BATCHES: readonly Batch[] = [
  { what: "HTTP, no endpoint", count: 1_000, port: HTTP, endpoints: 0 },
  { what: "HTTP, 10 endpoints", count: 1_000, port: HTTP, endpoints: 10 },
  { what: "TCP, no endpoint", count: 500, port: TCP, endpoints: 0 },
  { what: "HTTP, 3 endpoints", count: 500, port: HTTP, endpoints: 3 },
  { what: "TCP, 5 endpoints", count: 250, port: TCP, endpoints: 5 },
];

export const envoyBytes: Suite = { name: "envoy-bytes", run };

async function run(lab: Lab, report: Report): Promise<void> {
  await lab.namespace(NAMESPACE);
  const { pod } = await report.step("a workload starts that sees the whole mesh", () => startWorkload(lab, NAMESPACE, "unfenced"));
  const services = await UnrelatedServices.prepare(lab);
  let before = await footprintOf(lab, pod.envoy);
  let total = 0;
  const each: number[] = [];
  for (const batch of BATCHES) {
    total += batch.count;
    const now = await report.step(`${batch.count} more Services (${batch.what}), and the Envoy has them`, () =>
      grow(lab, services, { ...batch, count: total }, before.clusters + batch.count, () => footprintOf(lab, pod.envoy)),
    );
    each.push(((now.memory - before.memory) * MB) / batch.count);
    before = now;
  }
  tellFit(report, each);
  await report.step("the model says so, within the error that it states", async () => {
    const wrong = BATCHES.map((batch, at) => shareWrong(batch, each[at] ?? Number.NaN));
    for (const [at, { what }] of BATCHES.entries())
      report.figure(`${what}: bytes of a Service, error`, `${Math.round(each[at] ?? 0)}, ${((wrong[at] ?? 0) * 100).toFixed(1)} %`);
    assert.ok(Math.max(...wrong) <= ENVOY_BYTES.error, `${Math.max(...wrong)}`);
  });
}

async function grow(
  lab: Lab,
  services: UnrelatedServices,
  { count, ...shape }: Batch,
  clusters: number,
  measure: () => Promise<Footprint>,
): Promise<Footprint> {
  await services.growTo(count, shape);
  const measured = async () => {
    const now = await measure();
    return now.clusters >= clusters && now;
  };
  return lab.until("the clusters", measured, { interval: 500, timeout: 120_000 });
}

/** What the parts take, as the first three shapes say. */
function tellFit(report: Report, [cluster = 0, withEndpoints = 0, withListener = 0]: readonly number[]): void {
  report.figure("bytes of a cluster, with its route", Math.round(cluster));
  report.figure("bytes of an endpoint", Math.round((withEndpoints - cluster) / 10));
  report.figure("bytes of a listener beside its cluster", Math.round(withListener - cluster));
}

function shareWrong({ what, port, endpoints }: Batch, measured: number): number {
  const model = bytesOf({ clusters: 1, endpoints, listeners: port === TCP ? 1 : 0 }, ENVOY_BYTES);
  assert.ok(measured > 0, what);
  return Math.abs(model - measured) / measured;
}
