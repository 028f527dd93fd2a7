import {
  type AnyObject,
  Config,
  MESH_KINDS,
  manifestKinds,
  OWN_KINDS,
  parseManifests,
  type ReadKind,
  refOf,
  SMART_LIMITER,
  type SmartLimiterStatus,
} from "@fenceline/api";
import { type Desired, desiredOf } from "@fenceline/control";
import type { KindContext } from "../kind-context.ts";
import { smartLimiters } from "../limiter/smart-limiters.ts";
import { contextOfManifests } from "../manifest-context.ts";
import type { ProxiesOf } from "../sources/istiods/proxy-syncs.ts";

/** A limiter with one set, `_base`, for pods with `app: <name>`. */
export function limiterText(name: string, spec: object, { namespace = "shop", createdAt = "2026-01-01T00:00:00Z" } = {}): string {
  return JSON.stringify({
    apiVersion: "microservice.slime.io/v1alpha2",
    kind: "SmartLimiter",
    metadata: { name, namespace, creationTimestamp: createdAt },
    spec: { workloadSelector: { app: name }, target: {}, ...spec },
  });
}

/** A rule that is always in force. */
export function rule(more: object = {}, action: object = {}): object {
  return { condition: "true", action: { fillInterval: { seconds: 1 }, quota: "1", ...action }, ...more };
}

/** `spec.sets` with one set of all pods. */
export function base(...descriptor: readonly object[]): object {
  return { sets: { _base: { descriptor } } };
}

/**
 * What limiters ask for in a mesh of these manifests, each a JSON text.
 *
 * @param proxies what istiods tell. Default: they are not asked
 */
export function limiters(manifests: readonly string[], config: object = {}, values?: ReadonlyMap<string, number>, proxies?: ProxiesOf) {
  const kinds = manifestKinds(MESH_KINDS, OWN_KINDS) as readonly ReadKind<AnyObject>[];
  const { objects } = parseManifests(manifests.join("\n---\n"), "limiters.yaml", kinds);
  const context: KindContext = contextOfManifests(objects, Config.parse(config), Date.parse("2026-01-02T00:00:00Z"), values);
  const { reconciler } = smartLimiters({ ...context, proxies });
  return (name: string, namespace = "shop"): Desired<SmartLimiterStatus> => {
    const desired = desiredOf(reconciler, refOf(SMART_LIMITER.name, { metadata: { namespace, name } }));
    if (desired === undefined) throw new Error(`no limiter ${namespace}/${name}`);
    return desired as Desired<SmartLimiterStatus>;
  };
}
