import type { FenceKey, FencelineError, ServiceFence } from "@fenceline/api";
import type { Clock, KubernetesApi, ObjectEvent } from "@fenceline/kubernetes";
import { Informer, keyText, type Resource } from "@fenceline/kubernetes";
import { changeOf, ObservedKind } from "./observed-kind.ts";
import { fenceReader } from "./read-fence.ts";
import { SERVICE_FENCES } from "./resources.ts";

/** Settings of {@link ObservedFences}. */
export interface ObservedFencesOptions {
  readonly api: KubernetesApi;
  readonly clock: Clock;
  /** Whether an event says nothing but what this process writes. */
  readonly isOurs: (event: ObjectEvent<ServiceFence>) => boolean;
  /** Told that something is to be told. */
  readonly onChange: (urgent: boolean) => void;
  readonly onTrouble: (error: FencelineError) => void;
}

/** The informer of one group's fences. */
export interface FenceInformer {
  readonly resource: Resource;
  readonly informer: Informer<ServiceFence>;
}

/** A fence that counts, and the informer that knows it. */
export interface FencePlace extends FenceInformer {
  readonly fence: ServiceFence;
}

/** The fences of all groups. Where several have one of a name, that of the first group counts. */
export class ObservedFences {
  /** In the order of precedence. */
  readonly places: readonly FenceInformer[];
  /** Those that count. */
  readonly effective: ObservedKind<ServiceFence>;
  readonly #options: ObservedFencesOptions;

  constructor(options: ObservedFencesOptions) {
    const { api, clock, onTrouble } = options;
    this.#options = options;
    this.places = SERVICE_FENCES.map((resource, rank) => {
      const onEvent = (event: ObjectEvent<ServiceFence>) => this.#changed(rank, event);
      const informer = new Informer<ServiceFence>({ api, clock, resource, parse: fenceReader(onTrouble), onEvent, onTrouble });
      return { resource, informer };
    });
    this.effective = new ObservedKind(() => this.#list());
  }

  get informers(): readonly Informer<ServiceFence>[] {
    return this.places.map(({ informer }) => informer);
  }

  /** The fence of this name that counts. */
  find(key: FenceKey): FencePlace | undefined {
    for (const place of this.places) {
      const fence = place.informer.get(key)?.value;
      if (fence !== undefined) return { ...place, fence };
    }
    return undefined;
  }

  /**
   * A `resync` is told like a change: should anything have been missed, the fence is looked at once
   * more.
   */
  #changed(rank: number, event: ObjectEvent<ServiceFence>): void {
    const { metadata } = event.object;
    const others = this.places.filter((_, place) => place !== rank);
    if (others.slice(0, rank).some(({ informer }) => informer.get(metadata)?.value !== undefined)) return;
    const hidden = others.slice(rank).find(({ informer }) => informer.get(metadata)?.value !== undefined);
    const { before = hidden?.informer.get(metadata)?.value, after = hidden?.informer.get(metadata)?.value } = changeOf(event);
    const isOurs = this.#options.isOurs(event);
    this.effective.changed(keyText(metadata), { before, after, isOurs });
    if (!isOurs) this.#options.onChange(true);
  }

  #list(): readonly ServiceFence[] {
    const [first, ...others] = this.places.map(({ informer }) => informer.objects());
    const fences = new Map((first ?? []).map((fence) => [keyText(fence.metadata), fence]));
    for (const fence of others.flat()) if (!fences.has(keyText(fence.metadata))) fences.set(keyText(fence.metadata), fence);
    return [...fences.values()];
  }
}
