import type { Resolution, Resolver, Target } from "./resolver.ts";

/**
 * Step 3: the addresses of the first target that the resolver knows. At once when the resolver
 * answers at once.
 */
export function resolveTargets(resolver: Resolver, targets: readonly Target[], from = 0): Resolution | Promise<Resolution> {
  for (let i = from; i < targets.length; i += 1) {
    const target = targets[i];
    if (target === undefined) break;
    const resolution = resolver.resolve(target);
    if (resolution instanceof Promise) return resolution.then((known) => known ?? resolveTargets(resolver, targets, i + 1));
    if (resolution !== undefined) return resolution;
  }
  return undefined;
}
