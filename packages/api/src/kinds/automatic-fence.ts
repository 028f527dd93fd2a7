import { z } from "zod";
import type { FenceKey } from "../fence-key.ts";
import { MANAGED_BY_LABEL, MANAGER, REVISION_LABEL } from "../labels.ts";
import type { Labels } from "../object.ts";
import { shortHash } from "../short-hash.ts";
import { FENCE_API_VERSIONS } from "./service-fence.ts";

/**
 * Label on a Service, or else on its Namespace: whether its workload is to be fenced. Only `true`
 * and `false` say anything. Slime's.
 */
export const FENCED_LABEL = "slime.io/serviceFenced";

/** The same as an annotation, lazyxds's. The label comes first, where it says something. */
export const LAZY_XDS_ANNOTATION = "lazy-xds";

/** The annotations of a Service or a Namespace that are read. What is no text says nothing. */
export const FencedAnnotations = z
  .object({ [LAZY_XDS_ANNOTATION]: z.string().optional().catch(undefined) })
  .optional()
  .catch(undefined);

/** What a Service, or a Namespace, says of fences; undefined where it says nothing. */
export function askedFenced({ labels, annotations }: AskingMeta): boolean | undefined {
  const words = [labels[FENCED_LABEL], annotations?.[LAZY_XDS_ANNOTATION]?.toLowerCase()];
  const word = words.find((each) => each === "true" || each === "false");
  return word === undefined ? undefined : word === "true";
}

interface AskingMeta {
  readonly labels: Labels;
  readonly annotations?: z.infer<typeof FencedAnnotations>;
}

/**
 * Label on fences that were made automatically, Slime's. Taking it off makes a fence a person's.
 */
export const CREATED_BY_LABEL = "app.kubernetes.io/created-by";

/** Value of {@link CREATED_BY_LABEL}. */
export const FENCE_CONTROLLER = "fence-controller";

export const AUTOMATIC_FENCES = ["Off", "Labelled", "All"] as const;
export const AUTOMATIC_FENCE_MODES = ["Enforce", "Observe"] as const;

/** A fence as it is made automatically. */
export interface AutomaticFence {
  readonly apiVersion: (typeof FENCE_API_VERSIONS)[0];
  readonly kind: "ServiceFence";
  readonly metadata: FenceKey & { readonly labels: Labels };
  readonly spec: {
    readonly enable: true;
    readonly mode?: "Observe";
    readonly workloadSelector: { readonly fromService: true } | { readonly labels: Labels };
  };
}

/** Which fence is made: its name, and whose it is. */
export interface WantedFence extends FenceKey {
  /** Labels of the pods that it is for. Default: those that the Service of its name selects. */
  readonly labels?: Labels;
}

/** How the names of fences for pods end, as Slime has them. */
const POD_FENCE = ".workload.identity";
const SUBDOMAIN = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/;

/**
 * Name of the fence for the pods that have this value of a label, Slime's. A value that is not part
 * of a name, as `Nightly_Report`, comes into it in small letters and with a hash.
 */
export function podFenceName(alias: string, value: string): string {
  const name = `${alias}-${value}${POD_FENCE}`;
  if (SUBDOMAIN.test(name)) return name;
  const readable = value.toLowerCase().replaceAll(/[^a-z0-9]+/g, "-");
  return `${alias}-${readable}-${shortHash(value)}${POD_FENCE}`;
}

/**
 * The fence of the pods that the Service with this name, or its labels, select. Without our own
 * fields where it can be, as Slime makes it.
 *
 * @param revision of Istio, the only one that is to read what is rendered for it. Default: each
 */
export function automaticFence(
  { namespace, name, labels: ofPods }: WantedFence,
  mode: (typeof AUTOMATIC_FENCE_MODES)[number],
  revision?: string,
): AutomaticFence {
  const labels = { [CREATED_BY_LABEL]: FENCE_CONTROLLER, [MANAGED_BY_LABEL]: MANAGER };
  return {
    apiVersion: FENCE_API_VERSIONS[0],
    kind: "ServiceFence",
    metadata: { namespace, name, labels: { ...labels, ...(revision !== undefined && { [REVISION_LABEL]: revision }) } },
    spec: {
      enable: true,
      ...(mode === "Observe" && { mode }),
      workloadSelector: ofPods === undefined ? { fromService: true } : { labels: ofPods },
    },
  };
}

/**
 * Whether we made a fence automatically, and no person took it over: these alone are also deleted
 * so. One that Slime made counts as a person's: nobody who migrates may lose what was learned
 * because a default differs.
 */
export function isAutomatic(labels: Labels): boolean {
  return labels[CREATED_BY_LABEL] === FENCE_CONTROLLER && labels[MANAGED_BY_LABEL] === MANAGER;
}
