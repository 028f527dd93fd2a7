import { type FencelineError, keptOf, type MeshKind } from "@fenceline/api";
import type { Clock, KubernetesApi, ObjectEvent } from "@fenceline/kubernetes";
import { hasStatus, Informer, keyText, type ObjectKey, readerOf, resourcesOf } from "@fenceline/kubernetes";
import type { KeptObjects } from "./kept-object.ts";
import { changeOf, ObservedKind } from "./observed-kind.ts";

/** Settings of an {@link ObservedMeshKind}. */
export interface ObservedMeshKindOptions<O> {
  readonly kind: MeshKind<O>;
  readonly api: KubernetesApi;
  readonly clock: Clock;
  /** Shares repeated values. */
  readonly kept: KeptObjects;
  /** Called when there is something to tell. */
  readonly onChange: () => void;
  readonly onTrouble: (error: FencelineError) => void;
}

/** The objects of a kind that is only read. */
export class ObservedMeshKind<O extends { readonly metadata: ObjectKey }> {
  readonly informer: Informer<O>;
  readonly effective: ObservedKind<O>;
  readonly #onChange: () => void;

  constructor({ kind, api, clock, kept, onChange, onTrouble }: ObservedMeshKindOptions<O>) {
    const [resource] = resourcesOf(kind);
    const read = readerOf(kind);
    this.#onChange = onChange;
    this.informer = new Informer<O>({
      ...{
        api,
        clock,
        resource,
        labelSelector: kind.labelSelector,
        isMetadataOnly: kind.isMetadataOnly,
        parse: (object) => keptOf(kind, read(object), kept),
        onEvent: (event) => this.#changed(event),
      },
      onTrouble: (error) => {
        if (!kind.isOptional || !hasStatus(error, 404)) onTrouble(error);
      },
    });
    this.effective = new ObservedKind(() => this.informer.objects());
  }

  get informers(): readonly Informer<O>[] {
    return [this.informer];
  }

  #changed(event: ObjectEvent<O>): void {
    if (event.type === "resync") return;
    this.effective.changed(keyText(event.object.metadata), changeOf(event));
    this.#onChange();
  }
}
