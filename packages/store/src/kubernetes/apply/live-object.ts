import {
  EVERYTHING,
  groupOf,
  isJsonObject,
  type Labels,
  MANAGED_BY_LABEL,
  MANAGER,
  OWN_KINDS,
  OWNER_ANNOTATION,
  RENDERED_KINDS,
  type RenderedObject,
  SIDECAR,
  WIDENED_AT_ANNOTATION,
} from "@fenceline/api";
import type { WireObject, WireOwner } from "@fenceline/kubernetes";
import { shownHosts, sidecarSettings } from "./sidecar-settings.ts";

/** An object of a rendered kind as it is in the cluster, reduced to the fields that we need. */
export interface LiveObject {
  readonly kind: string;
  readonly apiVersion: string;
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
  readonly labels: Labels;
  readonly owners: readonly WireOwner[];
  /** The owner it was rendered for, by its annotation; undefined when that names none. */
  readonly renderedFor: string | undefined;
  /** Labels of the pods that it selects; undefined when it has no selector. */
  readonly selector: Labels | undefined;
  /**
   * Only for a Sidecar: the mode of its `outboundTrafficPolicy`, for hosts that Istio does not
   * know; undefined where it has none.
   */
  readonly outbound: OutboundMode | undefined;
  /** Only for a Sidecar of others for a whole namespace: what {@link sidecarSettings} finds. */
  readonly settings?: readonly string[];
  /** Only for a Sidecar of others for a whole namespace: what {@link shownHosts} finds. */
  readonly egressHosts?: readonly string[];
  /** When a replica that does not lead last added to it, in milliseconds of its wall clock. */
  readonly widenedAt: number | undefined;
  /** Only for an object of ours that is being deleted: the finalizers that hold it up. */
  readonly heldUpBy?: readonly string[];
  /** Only where {@link isOurs}: other objects are not compared, and a mesh may hold many. */
  readonly spec: unknown;
}

/** As Istio's `OutboundTrafficPolicy.Mode`. */
export type OutboundMode = "ALLOW_ANY" | "REGISTRY_ONLY";

/**
 * Whether the object carries our label, or is one that Slime made. It may still belong to somebody
 * else.
 *
 * Slime makes objects for the very kinds that are ours now, with an owner reference and without a
 * label. They are adopted: two Sidecars for the same pods would be one too many (issue 16).
 */
export function isOurs({ labels, owners }: Pick<LiveObject, "labels" | "owners">): boolean {
  const manager = labels[MANAGED_BY_LABEL];
  return manager === MANAGER || (manager === undefined && owners.some(isKindOfOurs));
}

function isKindOfOurs({ apiVersion, kind, controller }: WireOwner): boolean {
  return (
    controller === true && OWN_KINDS.some((own) => own.name === kind && own.apiVersions.some((of) => groupOf(of) === groupOf(apiVersion)))
  );
}

/** Reduces an object of the API server to what we need. */
export function readLiveObject(kind: string, { apiVersion, metadata, ...object }: WireObject): LiveObject {
  const { name, namespace = "default", uid, labels = {}, ownerReferences: owners = [] } = metadata;
  const spec = object.spec ?? {};
  // Istio uses both forms: the second in the kinds of its security and extension groups.
  const {
    workloadSelector,
    selector: podSelector,
    outboundTrafficPolicy,
  } = spec as {
    workloadSelector?: { labels?: Labels };
    selector?: { matchLabels?: Labels };
    outboundTrafficPolicy?: { mode?: unknown } | null;
  };
  const ours = isOurs({ labels, owners });
  // An empty selector selects every pod of the namespace. It counts as a selector.
  const given = workloadSelector ?? podSelector;
  const selector = workloadSelector?.labels ?? podSelector?.matchLabels ?? (given === null || given === undefined ? undefined : {});
  const outbound = outboundTrafficPolicy == null ? undefined : outboundMode(outboundTrafficPolicy.mode);
  const annotation = (of: string) => (ours ? textIn(metadata as Annotated, of) : undefined);
  const widenedAt = timeOf(annotation(WIDENED_AT_ANNOTATION));
  const renderedFor = annotation(OWNER_ANNOTATION);
  const whose = { labels, owners, renderedFor };
  const isDefault = !ours && kind === SIDECAR.name && selector === undefined;
  const [settings, egressHosts] = isDefault ? [sidecarSettings(spec), shownHosts(spec)] : [[], undefined];
  const said = { selector, outbound, ...(settings.length > 0 && { settings }), ...(egressHosts && { egressHosts }) };
  const { deletionTimestamp, finalizers = [] } = metadata;
  const ends = ours && deletionTimestamp !== undefined ? { heldUpBy: finalizers } : {};
  return { kind, apiVersion, namespace, name, uid, ...whose, ...said, widenedAt, ...ends, spec: ours ? spec : undefined };
}

type Annotated = WireObject["metadata"] & { readonly annotations?: unknown };

function textIn({ annotations }: Annotated, name: string): string | undefined {
  const text = (annotations as Readonly<Record<string, unknown>> | null | undefined)?.[name];
  return typeof text === "string" ? text : undefined;
}

function timeOf(text: string | undefined): number | undefined {
  const time = text === undefined ? Number.NaN : Date.parse(text);
  return Number.isNaN(time) ? undefined : time;
}

/** REGISTRY_ONLY is the enum's zero, so a policy without a mode means it. */
export function outboundMode(mode: unknown): OutboundMode {
  return mode === "ALLOW_ANY" || mode === 1 ? "ALLOW_ANY" : "REGISTRY_ONLY";
}

/** A live object in the form that a renderer makes, for comparison with it. */
export function asRendered({ apiVersion, kind, namespace, name, labels, owners, renderedFor, spec }: LiveObject): RenderedObject {
  const annotations = renderedFor === undefined ? undefined : { annotations: { [OWNER_ANNOTATION]: renderedFor } };
  const metadata = { name, namespace, labels, ...annotations, ...(owners.length > 0 && { ownerReferences: owners }) };
  // The object is ours. If it differs from what we render, the comparison finds that.
  return { apiVersion, kind, metadata, spec: withLists(kind, spec) } as RenderedObject;
}

/** The meaning of a list that is empty or no list: a Sidecar without `egress` shows everything. */
const STANDS_FOR: Readonly<Record<string, readonly object[]>> = { egress: [{ hosts: [EVERYTHING] }] };

/**
 * A spec in which the lists that are read are lists. Somebody who edits an object of ours may
 * remove one, or put anything there.
 */
function withLists(kind: string, spec: unknown): unknown {
  const { lists = [], isItem = () => true } = RENDERED_KINDS.find(({ name }) => name === kind) ?? {};
  const fields = isJsonObject(spec) ? spec : {};
  const isList = (value: unknown, least: number) =>
    Array.isArray(value) && value.length >= least && value.every((item) => isJsonObject(item) && isItem(item));
  const wrong = lists.filter((list) => !isList(fields[list], list in STANDS_FOR ? 1 : 0));
  return wrong.length === 0 ? spec : { ...fields, ...Object.fromEntries(wrong.map((list) => [list, STANDS_FOR[list] ?? []])) };
}
