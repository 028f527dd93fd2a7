import { ObjectName, type SmartLimiter, shortHash } from "@fenceline/api";
import { BASE_SET } from "@fenceline/render/limiter";

/**
 * Name of the EnvoyFilter of a set. It is the same as Slime's, so that a limiter takes over its
 * existing EnvoyFilter. Where that is no valid name, since it is too long or a subset has a
 * capital, a hash of it is used.
 */
export function limitsName({ name, namespace }: Pick<SmartLimiter["metadata"], "name" | "namespace">, set: string): string {
  const asSlime = [name, namespace, ...(set === BASE_SET ? [] : [set]), "ratelimit"].join(".");
  return ObjectName.safeParse(asSlime).success ? asSlime : `ratelimit-${shortHash(asSlime)}`;
}
