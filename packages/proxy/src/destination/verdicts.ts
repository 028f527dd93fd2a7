import { Refusal } from "../refusals/refusal.ts";
import { serviceInName } from "../resolve/cluster-name.ts";
import type { Address } from "../resolve/resolver.ts";
import type { AddressCheck } from "./address-policy.ts";
import { type Authorized, DENIED_BY_POLICY, NO_SUCH_FENCE, REGISTRY_ONLY, type ServingPolicy } from "./authorize.ts";
import { REACH, type Reach } from "./external-policy.ts";
import { addressJudge, type MeshView } from "./judge-address.ts";

/** What may be dialled for a call, or why nothing may. */
export interface Judged {
  /** Never empty where {@link refusal} is undefined. */
  readonly addresses: readonly Address[];
  readonly refusal: Refusal | undefined;
  /** The address that was refused. */
  readonly refused: Address | undefined;
  /** How far the call goes: beyond {@link REACH}.MESH, it leaves the mesh. */
  readonly reach: Reach;
}

/** Step 4: checks each address of a resolution. Allowed ones are dialled as they are. */
export type Judge = (resolution: readonly Address[], authorized: Authorized) => Judged;

type JudgingPolicy = Pick<ServingPolicy, "external" | "clusterDomain">;

/** What is known of a resolution, for every caller. */
interface Assessed {
  /** By {@link Reach}: what callers with that reach may dial. */
  readonly judged: readonly Judged[];
  /** See {@link MeshView.version}. */
  readonly version: number;
}

/**
 * Checks addresses against the mesh, and against those that nobody may reach.
 *
 * The same resolution is returned again while nothing changes, so the result is remembered with it
 * until the mesh changes.
 */
export function createJudge(check: AddressCheck, { external, clusterDomain }: JudgingPolicy, mesh?: MeshView): Judge {
  const known = new WeakMap<readonly Address[], Assessed>();

  const needed = addressJudge(check, external, mesh);

  return (resolution, authorized) => {
    const denied = deniedByPolicy(resolution, authorized, mesh) ?? hiddenByDefault(resolution, authorized, clusterDomain, mesh);
    if (denied !== undefined) return denied;
    const version = mesh?.version ?? 0;
    let assessed = known.get(resolution);
    if (assessed === undefined || assessed.version !== version) {
      assessed = { version, judged: assess(resolution, resolution.map(needed)) };
      known.set(resolution, assessed);
    }
    const { limit, why } = limitOf(authorized, mesh);
    const judged = assessed.judged[limit];
    if (judged === undefined) throw new Error("every reach is assessed");
    // Only the reach was missing: the route knows why the caller does not have more.
    return judged.refusal === TOO_FAR ? { ...judged, refusal: why } : judged;
  };
}

/**
 * How far a caller may go. The route remembers what the caller's Envoy reported of itself. What the
 * mesh tells of it may change, and counts even for a call that did not use the Envoy.
 */
function limitOf({ reach, noFurther, caller, fence }: Authorized, mesh: MeshView | undefined): { limit: Reach; why: Refusal } {
  if (reach === REACH.MESH || mesh === undefined) return { limit: reach, why: noFurther };
  if (fence !== undefined && !mesh.isFence(fence)) return { limit: REACH.MESH, why: NO_SUCH_FENCE };
  const isHeld = reach > REACH.SERVICE_NAMES && caller !== undefined && mesh.isRegistryOnly(caller);
  return isHeld ? { limit: REACH.SERVICE_NAMES, why: REGISTRY_ONLY } : { limit: reach, why: noFurther };
}

/**
 * The destination would see our certificate instead of the caller's, and could not refuse the call
 * itself. Addresses are checked, too: the caller may have dialled one.
 */
function deniedByPolicy(resolution: readonly Address[], { asking, names }: Authorized, mesh: MeshView | undefined): Judged | undefined {
  if (mesh === undefined || asking === undefined) return undefined;
  const isRefused = (host: string) => mesh.isRefused(asking, host);
  if (!names.some(isRefused) && !resolution.every(({ address }) => isRefused(address))) return undefined;
  return { addresses: [], refusal: DENIED_BY_POLICY, refused: resolution[0], reach: REACH.MESH };
}

/**
 * Whether the caller's own Envoy would refuse the call without its fence: under REGISTRY_ONLY it
 * refuses calls to Services that the default Sidecar hides. Under ALLOW_ANY it passes them through.
 */
function hiddenByDefault(
  [address]: readonly Address[],
  { asking, registryOnly }: Authorized,
  clusterDomain: string,
  mesh: MeshView | undefined,
): Judged | undefined {
  if (address === undefined || asking === undefined || mesh === undefined || address.by === "external") return undefined;
  if (!registryOnly && !mesh.isRegistryOnly(asking)) return undefined;
  // `web.shop.svc.cluster.local:80`: all addresses of a service's name belong to one Service.
  const name = address.by === "service" ? address.service?.replace(/:\d+$/, "") : undefined;
  const isHidden = mesh.hides(asking, address.address, name === undefined ? undefined : serviceInName(name, clusterDomain));
  return isHidden ? { addresses: [], refusal: HIDDEN, refused: address, reach: REACH.MESH } : undefined;
}

const HIDDEN = new Refusal("HOST_HIDDEN", "the caller's default Sidecar hides the Service, and its outboundTrafficPolicy is REGISTRY_ONLY");
const TOO_FAR = new Refusal("EXTERNAL_REFUSED", "outside of the mesh");

function assess(resolution: readonly Address[], needs: readonly (Reach | Refusal)[]): readonly Judged[] {
  return Object.values(REACH).map((reach) => {
    const may = (need: Reach | Refusal | undefined) => typeof need === "number" && need <= reach;
    const addresses = needs.every(may) ? resolution : resolution.filter((_, at) => may(needs[at]));
    if (addresses.length > 0) return { addresses, refusal: undefined, refused: undefined, reach: leastOf(needs.filter(may)) };
    const [need] = needs;
    const refusal = need instanceof Refusal ? need : TOO_FAR;
    return { addresses, refusal, refused: resolution[0], reach: REACH.MESH };
  });
}

function leastOf(needs: readonly (Reach | Refusal)[]): Reach {
  return needs.reduce<Reach>((least, need) => (typeof need === "number" && need < least ? need : least), REACH.ANYWHERE);
}
