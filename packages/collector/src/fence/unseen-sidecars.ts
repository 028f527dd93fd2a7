/**
 * What happens to a fence while the collector may not read Sidecars, and knows none of its own:
 * after a start without the right, or for a new fence. It may have a Sidecar of ours, which hides
 * hosts, and there may be one of others for the same pods.
 *
 * So no Sidecar is written, since it could replace another one. An EnvoyFilter that sends calls to
 * the global sidecar stays as it is: without it, hidden hosts could not be reached. A known Sidecar
 * is kept up to date: it existed before.
 */
import { type EnvoyFilter, type RenderedObject, SIDECAR } from "@fenceline/api";
import { hasRedirect } from "@fenceline/render/fence";
import { isUnseen, type UnreadKind } from "./mesh-objects-condition.ts";

/** Whether the fence may have a Sidecar that cannot be read. */
export function mayHaveUnseen(present: readonly RenderedObject[], unread: readonly UnreadKind[]): boolean {
  return isUnseen(SIDECAR, unread) && present.every(({ kind }) => kind !== "Sidecar");
}

/** Whether what exists stays as it is, since a Sidecar that cannot be read may need it. */
export function staysForUnseen(present: readonly RenderedObject[], unread: readonly UnreadKind[]): boolean {
  const isWay = (object: RenderedObject): object is EnvoyFilter => object.kind === "EnvoyFilter" && hasRedirect(object);
  return mayHaveUnseen(present, unread) && present.some(isWay);
}
