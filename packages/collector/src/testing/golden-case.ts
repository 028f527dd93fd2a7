/**
 * Golden cases: what is rendered of a few manifests, by every kind that a collector runs, and what
 * is reported of their fences.
 */

import { join } from "node:path";
import {
  type AnyObject,
  Config,
  fenceKeyOf,
  MESH_KINDS,
  manifestKinds,
  OWN_KINDS,
  type OwnKind,
  parseManifests,
  type ReadKind,
  SERVICE_FENCE,
  type ServiceFence,
  type Sidecar,
} from "@fenceline/api";
import { parseDocument, stringify } from "yaml";
import { outcomesOf } from "../desired-of-manifests.ts";
import type { KindContext } from "../kind-context.ts";
import { DRIVERS, type Drivers } from "../kinds.ts";
import { contextOfManifests } from "../manifest-context.ts";
import { reportOfManifests } from "../report-of-manifests.ts";
import { streamOf } from "./mesh.ts";

/** First document of a golden input: what is not an object of the mesh. */
interface Given {
  readonly config?: unknown;
  readonly now?: string;
  /** Of the proxies of every fence. */
  readonly proxyVersions?: readonly string[];
  /**
   * Whether it can answer, and whether a Sidecar is there already. Default: it can, and none is.
   */
  readonly fallback?: { readonly ready: boolean; readonly enforced: boolean };
  /** Whether somebody else has a Sidecar for the pods of every fence. */
  readonly conflict?: boolean;
  /** Values in place of what would be measured. */
  readonly metrics?: Readonly<Record<string, number>>;
}

/**
 * Renders one golden case.
 *
 * @param text YAML: a document `given: …` (configuration, time, proxy versions), then manifests.
 * Hosts in a fence's `status.domains` with a source other than `static` stand for what was learned.
 * @param drivers default: those of all kinds of ours
 * @returns the rendered objects as YAML documents; an object that is refused gives its reason as a
 * document
 */
export function renderGoldenCase(text: string, file: string, drivers: Drivers = DRIVERS, kinds: readonly OwnKind[] = OWN_KINDS): string {
  const [first = "", ...rest] = text.split(/^---$/m);
  const given = parseDocument(first).toJS().given as Given;
  const { objects } = parseManifests(rest.join("---"), file, manifestKinds(MESH_KINDS, kinds) as readonly ReadKind<AnyObject>[]);
  const now = Date.parse(given.now ?? "2026-01-01T00:00:00Z");
  const context = contextGiven(
    contextOfManifests(objects, Config.parse(given.config ?? {}), now, new Map(Object.entries(given.metrics ?? {}))),
    given,
  );
  const documents = outcomesOf(context, drivers).flatMap(({ objects: rendered, refused }): readonly object[] =>
    refused === undefined ? rendered : [{ refused }],
  );
  return documents.map((document) => stringify(document, { aliasDuplicateObjects: false, lineWidth: 0 })).join("---\n");
}

/**
 * Reports the fences of one golden case, with all names.
 *
 * @param text as for {@link renderGoldenCase}; calls and conditions stand in the status of fences
 */
function reportGoldenCase(text: string, file: string): string {
  const [first = "", ...rest] = text.split(/^---$/m);
  const given = parseDocument(first).toJS().given as Given;
  const { objects } = parseManifests(rest.join("---"), file);
  const config = Config.parse(given.config ?? {});
  const now = Date.parse(given.now ?? "2026-01-01T00:00:00Z");
  const reports = reportOfManifests(objects, config, { now }).flatMap((fence) =>
    reportOfManifests(objects, config, { fence, hidden: true, now }),
  );
  return reports.map((report) => stringify(report, { aliasDuplicateObjects: false, lineWidth: 0 })).join("---\n");
}

/** Folders of golden cases, and what makes their outputs. */
export const GOLDENS = [
  { folder: join(import.meta.dirname, "../../testdata"), outputOf: (text: string, file: string) => renderGoldenCase(text, file) },
  { folder: join(import.meta.dirname, "../../testdata/reports"), outputOf: reportGoldenCase },
];

function contextGiven(context: KindContext, { proxyVersions = [], fallback, conflict = false }: Given): KindContext {
  const fences = context.store.snapshot().of(SERVICE_FENCE);
  for (const fence of fences) for (const version of proxyVersions) context.telemetry.proxyTold(streamOf({}), fenceKeyOf(fence), version);
  const present = fallback?.enforced === true ? fences.map(emptySidecar) : [];
  const others = conflict ? fences.map((fence) => ({ ...fenceKeyOf(fence), selector: undefined })) : [];
  return {
    ...context,
    store: {
      ...context.store,
      ownedBy: ({ kind, namespace, name }) =>
        kind === SERVICE_FENCE.name ? present.filter(({ metadata }) => metadata.namespace === namespace && metadata.name === name) : [],
      foreign: (_kind, namespace) => others.filter((other) => other.namespace === namespace),
    },
    fallbackReady: () => fallback?.ready ?? true,
  };
}

/** As it may be there already. */
function emptySidecar({ metadata: { namespace, name } }: ServiceFence): Sidecar {
  return {
    apiVersion: "networking.istio.io/v1beta1",
    kind: "Sidecar",
    metadata: { namespace, name, labels: {} },
    spec: { workloadSelector: { labels: {} }, egress: [] },
  };
}
