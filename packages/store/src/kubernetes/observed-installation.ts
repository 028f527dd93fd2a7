import type { FencelineError, OwnerReference } from "@fenceline/api";
import type { Clock, KubernetesApi, ObjectEvent } from "@fenceline/kubernetes";
import { Informer } from "@fenceline/kubernetes";
import { changeOf, ObservedKind } from "./observed-kind.ts";
import { CLUSTER_ROLES } from "./resources.ts";

/** Settings of an {@link ObservedInstallation}. */
export interface ObservedInstallationOptions {
  readonly api: KubernetesApi;
  readonly clock: Clock;
  /** Of its ClusterRole. */
  readonly name: string;
  /** Told that something is to be told. */
  readonly onChange: () => void;
  readonly onTrouble: (error: FencelineError) => void;
}

/**
 * The ClusterRole of the collector, for as long as Fenceline is installed. What is rendered belongs
 * to it too: an owner reference may only name what is in the same namespace or in none.
 */
export class ObservedInstallation {
  /** Of one object, or none. */
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
