/** An access-log reader over a mesh, with the pages that it writes, for tests. */
import type { FenceKey } from "@fenceline/api";
import { EdgeBook } from "@fenceline/edges";
import { Learner } from "../learner.ts";
import { CollectorMetrics } from "../metrics.ts";
import { AccessLogReader } from "../sources/access-logs/access-log-reader.ts";
import { meshOf } from "./mesh.ts";

const POLICY = { idleWindow: 1_000, maxHosts: 10, maxRemovedShare: 1 };

/** @param fences whose pages are open. Default: `test1/a` */
export function startReader(manifests?: string, fences: readonly FenceKey[] = [{ namespace: "test1", name: "a" }]) {
  const book = new EdgeBook();
  const pages = fences.map((fence) => book.open(fence, POLICY));
  const mesh = meshOf(manifests);
  const metrics = new CollectorMetrics();
  const clock = { now: 0 };
  const learner = new Learner({ book, onLearned: () => {}, onTelemetry: () => {} });
  const options = { mesh: () => mesh, metrics, now: () => clock.now, onProxyVersion: () => {} };
  const reader = new AccessLogReader(learner, options);
  /** `b.test1 ×3` of each page, by host. */
  const seen = () =>
    pages.map((page) => page.hosts().map(({ host, requests }) => `${host.replace(".svc.cluster.local", "")} ×${requests}`));
  return { reader, mesh, pages, clock, seen, dropped: () => droppedEntries(metrics) };
}

/**
 * Entries that were dropped, by reason. Every reason has a series from the start (T-19); those that
 * are 0 are left out.
 */
export async function droppedEntries({ entriesDropped }: CollectorMetrics): Promise<Readonly<Record<string, number>>> {
  const { values } = await entriesDropped.get();
  return Object.fromEntries(values.flatMap(({ labels, value }) => (value > 0 ? [[labels.reason, value]] : [])));
}
