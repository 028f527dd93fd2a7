/**
 * What becomes of a fence while the collector may not read Sidecars, and knows of none of its own:
 * after a start without the right, or of a fence that is new. There may be one of ours, which hides
 * hosts; and there may be one of others for the same pods.
 *
 * So no Sidecar is written, which could take the place of another one, and an EnvoyFilter that
 * sends calls to the global sidecar stays as it is: without it, hosts that are hidden would not be
 * reached. A Sidecar that is known is kept up to date: it was there before.
 */
import { type EnvoyFilter, type RenderedObject, SIDECAR } from "@fenceline/api";
import { hasRedirect } from "@fenceline/render/fence";
import { isUnseen, type UnreadKind } from "./mesh-objects-condition.ts";

/** Whether there may be a Sidecar of the fence that nobody can see. */
export function mayHaveUnseen(present: readonly RenderedObject[], unread: readonly UnreadKind[]): boolean {
  return isUnseen(SIDECAR, unread) && present.every(({ kind }) => kind !== "Sidecar");
}

/** Whether what is there stays as it is, since a Sidecar that nobody can see may need it. */
export function staysForUnseen(present: readonly RenderedObject[], unread: readonly UnreadKind[]): boolean {
  const isWay = (object: RenderedObject): object is EnvoyFilter => object.kind === "EnvoyFilter" && hasRedirect(object);
  return mayHaveUnseen(present, unread) && present.some(isWay);
}
