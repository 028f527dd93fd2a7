import { type Resolution, ResolutionError, type Resolver, type Target } from "./resolver.ts";

/** Why a target could not be looked up: anything that was thrown. */
interface Failure {
  readonly error: unknown;
}

/**
 * Step 3: the addresses of the first target that the resolver knows. It is synchronous if the
 * resolver is.
 *
 * A failed look-up is not an answer, and says nothing about the next target: if a name server fails
 * for `partner.example.svc.cluster.local`, calls to `partner.example`, or to the address to which
 * the application connected, must still work. The failure only counts if no target has an answer.
 * But if the target was found before, its failure ends the search: calls to a service must not
 * leave the mesh because a server fails.
 *
 * @throws the first failure, if no target is known
 */
export function resolveTargets(resolver: Resolver, targets: readonly Target[]): Resolution | Promise<Resolution> {
  return resolveFrom(resolver, targets, 0, undefined);
}

function resolveFrom(
  resolver: Resolver,
  targets: readonly Target[],
  from: number,
  before: Failure | undefined,
): Resolution | Promise<Resolution> {
  let failure = before;
  for (const [at, target] of targets.entries()) {
    if (at < from) continue;
    const resolution = attempt(() => resolver.resolve(target));
    if (resolution instanceof Promise) {
      const askNext = (failed = failure) => resolveFrom(resolver, targets, at + 1, failed);
      return resolution.then(
        (known) => known ?? askNext(),
        (error: unknown) => askNext(failureOf(error, failure)),
      );
    }
    if (resolution !== undefined && "error" in resolution) failure = failureOf(resolution.error, failure);
    else if (resolution !== undefined) return resolution;
  }
  if (failure !== undefined) throw failure.error;
  return undefined;
}

function attempt<T>(resolve: () => T): T | Failure {
  try {
    return resolve();
  } catch (error) {
    return { error };
  }
}

/** @throws the error, if it ends the search */
function failureOf(error: unknown, before: Failure | undefined): Failure {
  if (error instanceof ResolutionError && error.wasKnown) throw error;
  return before ?? { error };
}
