import { ENVOY_FILTER, type Labels } from "@fenceline/api";
import type { Runs } from "@fenceline/control";
import type { MeshChanges, Store } from "@fenceline/store";
import type { FenceStreams } from "../access-logs/fence-streams.ts";
import { type IstiodCredentials, Istiods, type IstiodsOptions } from "./istiods.ts";
import { JudgedObjects } from "./judged-objects.ts";
import { type ProxiesOf, ProxySyncs } from "./proxy-syncs.ts";

/** The istiods, which are asked what proxies refuse. */
export interface AskedIstiods {
  /** Undefined where they are not asked. */
  readonly proxies: ProxiesOf | undefined;
  /** Begins to ask. Returns what ends it. */
  start(): () => void;
  /** Takes over which objects of ours came and went. */
  changed(changes: Pick<MeshChanges, "of">): void;
  /** This replica decides on conditions from now on. */
  lead(): void;
}

/** What {@link askedIstiods} is made from. */
export interface AskedIstiodsContext extends Omit<IstiodsOptions, "credentials" | "syncs"> {
  /** Undefined: istiods are not asked. */
  readonly credentials: IstiodCredentials | undefined;
  readonly store: Pick<Store, "pods" | "snapshot" | "versionsIn">;
  readonly streams: Pick<FenceStreams, "labelsOf">;
  /** Asked to look at the status of objects whose proxies refuse something else than before. */
  readonly runs: Pick<Runs, "enqueueStatus">;
}

export function askedIstiods(context: AskedIstiodsContext): AskedIstiods {
  const { credentials, config, mesh, store, runs } = context;
  if (credentials === undefined) return { proxies: undefined, start: () => () => {}, changed: () => {}, lead: () => {} };
  const judged = new JudgedObjects(store.snapshot());
  const syncs = new ProxySyncs({
    ownNamespace: config.namespace,
    labelsOf: (namespace, pod) => labelsOf(context, namespace, pod),
    filtersOf: (namespace) => [namespace, ...mesh().rootNamespaces].map((each) => store.versionsIn?.(ENVOY_FILTER, each) ?? "").join("/"),
    onChange: (namespace) => {
      for (const of of judged.in(namespace)) runs.enqueueStatus(of);
    },
  });
  let istiods: Istiods | undefined;
  return {
    proxies: (namespace, selectors) => syncs.of(namespace, selectors),
    start: () => {
      const started = new Istiods({ ...context, credentials, syncs });
      istiods = started;
      return () => started.close();
    },
    changed: (changes) => judged.apply(changes),
    // Before any condition is judged: the former conditions stay until istiods have answered.
    lead: () => istiods?.look(),
  };
}

/** What the open stream reports, else the API server; if those are Services, their selectors. */
async function labelsOf({ streams, store, mesh }: AskedIstiodsContext, namespace: string, pod: string): Promise<Labels | undefined> {
  const told = streams.labelsOf(namespace, pod);
  if (told !== undefined) return told;
  const named = await store.pods?.named(namespace, pod);
  if (named === undefined || "labels" in named) return named?.labels;
  const selectors = named.services.map((service) => mesh().registry.service(namespace, service)?.spec.selector ?? {});
  return Object.assign({}, ...selectors);
}
