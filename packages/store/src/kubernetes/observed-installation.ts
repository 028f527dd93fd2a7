import type { FencelineError, OwnerReference } from "@fenceline/api";
import type { Clock, KubernetesApi, ObjectEvent } from "@fenceline/kubernetes";
import { Informer } from "@fenceline/kubernetes";
import { changeOf, ObservedKind } from "./observed-kind.ts";
import { CLUSTER_ROLES } from "./resources.ts";

/** Settings of an {@link ObservedInstallation}. */
export interface ObservedInstallationOptions {
  readonly api: KubernetesApi;
  readonly clock: Clock;
  /** Name of its ClusterRole. */
  readonly name: string;
  /** Called when there is something to tell. */
  readonly onChange: () => void;
  readonly onTrouble: (error: FencelineError) => void;
}

/**
 * The ClusterRole of the collector, which exists for as long as Fenceline is installed. It is a
 * second owner of what is rendered: an owner reference may only name a cluster-scoped object, or
 * one in the same namespace.
 */
export class ObservedInstallation {
  /** Informer of one object, or none. */
  readonly informer: Informer<OwnerReference>;
  readonly effective: ObservedKind<OwnerReference>;

  constructor({ api, clock, name, onChange, onTrouble }: ObservedInstallationOptions) {
    this.informer = new Informer<OwnerReference>({
      ...{ api, clock, resource: CLUSTER_ROLES, only: { name }, onTrouble },
      parse: ({ apiVersion, kind, metadata }) => ({ apiVersion, kind, name: metadata.name, uid: metadata.uid }),
      onEvent: (event: ObjectEvent<OwnerReference>) => {
        if (event.type === "resync") return;
        this.effective.changed(name, changeOf(event));
        onChange();
      },
    });
    this.effective = new ObservedKind(() => this.informer.objects());
  }
}
