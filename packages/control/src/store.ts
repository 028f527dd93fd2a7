import type { ObjectRef } from "@fenceline/api";
import type { Obstacle, Store } from "@fenceline/store";

/** The part of a {@link Store} that a controller of one kind needs. */
export interface ControlStore<Status> extends Pick<Store, "ownedBy" | "apply" | "widen" | "deleteStatus"> {
  writeStatus(of: ObjectRef, status: Status): Promise<Obstacle | undefined>;
}
