import { type Resolution, ResolutionError, type Resolver, type Target } from "./resolver.ts";

/** Why a target could not be looked up, whatever was thrown. */
interface Failure {
  readonly error: unknown;
}

/**
 * Step 3: the addresses of the first target that the resolver knows. At once when the resolver
 * answers at once.
 *
 * A failed look-up is no answer, and says nothing of the next target: a name server that stumbles
 * over `partner.example.svc.cluster.local` must not keep `partner.example` from being called, nor
 * the address that its application dialled. Only where no target has an answer is it told. One that
 * was found before ends the search anyway: the calls for a service must not leave the mesh because
 * a server stumbles.
 *
 * @throws the first failure, where no target is known
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

/** @throws the error, where the search ends with it */
function failureOf(error: unknown, before: Failure | undefined): Failure {
  if (error instanceof ResolutionError && error.wasKnown) throw error;
  return before ?? { error };
}
