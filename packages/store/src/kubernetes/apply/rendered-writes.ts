import { type OwnKind, type RenderedObject, refText, SIDECAR } from "@fenceline/api";
import type { Clock, Informer, KubernetesApi, Leadership, ObjectEvent, ObjectKey } from "@fenceline/kubernetes";
import { type Change, type Obstacle, type RenderedUpdate, writtenBy } from "../../change.ts";
import { conflictObstacle } from "../../conflict.ts";
import { WritesUnderWay } from "../../writes-under-way.ts";
import type { RenderedPlaces } from "../rendered-places.ts";
import type { LiveObject } from "./live-object.ts";
import { type Known, ObjectWriter, type WriteResult } from "./object-writer.ts";
import { alteredObstacle, heldUpObstacle, writeObstacle } from "./obstacle.ts";
import { differs } from "./semantic-difference.ts";
import { widenSidecar } from "./widen-sidecar.ts";

/** Settings of {@link RenderedWrites}. */
export interface RenderedWritesOptions {
  readonly api: KubernetesApi;
  readonly clock: Clock;
  readonly leadership: Leadership;
  /** The informers of the objects. Each write is passed to them at once. */
  readonly places: RenderedPlaces;
  /** Kinds of the owners of rendered objects. */
  readonly owners: readonly OwnKind[];
}

/** Carries out changes to rendered objects, based on what the informers know of them. */
export class RenderedWrites {
  readonly #options: RenderedWritesOptions;
  readonly #writer: ObjectWriter;
  readonly #underWay = new WritesUnderWay();
  /** Changes that are being written, by object. */
  readonly #expected = new Map<string, Change>();

  constructor(options: RenderedWritesOptions) {
    this.#options = options;
    this.#writer = new ObjectWriter(options);
  }

  /** See {@link ObjectWriter.wanted}. */
  wanted(live: LiveObject): RenderedObject | undefined {
    return this.#writer.wanted(live);
  }

  /**
   * Whether an event brings an object as we left it, or as a write of ours makes it: the event of a
   * write may come before its answer.
   */
  isOurs(event: ObjectEvent<LiveObject>): boolean {
    if (event.type === "resync") return true;
    const { kind, namespace, name } = event.object;
    const expected = this.#expected.get(refText({ kind, namespace, name }));
    if (event.type === "deleted") return expected?.action === "delete";
    if (this.wanted(event.object) !== undefined) return true;
    return expected !== undefined && expected.action !== "delete" && !differs(expected.object, event.object);
  }

  /**
   * Carries out one change, if it is still needed. Resolves with what stands in its way.
   *
   * @throws {FencelineError} `NOT_LEADER`, `OBJECT_CONTESTED`, or the {@link ApiError} of an API
   * server that cannot do it now
   */
  apply(change: Change): Promise<Obstacle | undefined> {
    return this.#attempt(change, () => this.carryOut(change));
  }

  /**
   * Adds hosts to a Sidecar of ours. See {@link widenSidecar}.
   *
   * @param onAdded called when there was something to add
   * @throws the {@link ApiError} of an API server that cannot do it now
   */
  async widen(change: RenderedUpdate, onAdded: () => void = () => {}): Promise<Obstacle | undefined> {
    const { owner, object } = change;
    if (object.kind !== SIDECAR.name) return undefined;
    const { api, clock, places } = this.#options;
    const { informer, resource } = places.of(SIDECAR.name);
    return this.#attempt(change, async () => {
      const known = knownObject(informer, writtenBy(change));
      const outcome = await widenSidecar({ api, clock, resource, owner, wanted: object, known });
      if (outcome.result !== "updated") return outcome;
      informer.absorb(outcome.answer);
      onAdded();
      return outcome;
    });
  }

  /** Like {@link apply}, but returns the result and throws every refusal of the API server. */
  async carryOut(change: Change): Promise<WriteResult> {
    const object = writtenBy(change);
    const conflict = this.#underWay.conflictOf(object, change.owner);
    if (conflict !== undefined) return { result: "conflict", conflict };
    const id = refText(object);
    this.#expected.set(id, change);
    try {
      return await this.#underWay.during(object, change.owner, () => this.#write(change));
    } finally {
      this.#expected.delete(id);
    }
  }

  async #write(change: Change): Promise<WriteResult> {
    const { kind, ...key } = writtenBy(change);
    const { resource, informer } = this.#options.places.of(kind);
    const known = knownObject(informer, key);
    const { owner } = change;
    const outcome = await (change.action === "delete"
      ? this.#writer.delete(resource, owner, { kind, ...key }, known)
      : this.#writer.apply(resource, owner, change.object, known));
    if ("answer" in outcome && outcome.answer !== undefined) informer.absorb(outcome.answer);
    if (outcome.result === "deleted") informer.forget({ ...key, uid: outcome.uid });
    return outcome;
  }

  async #attempt(change: Change, write: () => Promise<WriteResult>): Promise<Obstacle | undefined> {
    const { kind, informer } = this.#options.places.of(change.object.kind);
    try {
      const outcome = await write();
      if (outcome.result === "heldUp") return heldUpObstacle(writtenBy(change), outcome.finalizers);
      if (outcome.result === "altered") return alteredObstacle(writtenBy(change), outcome.fields);
      return outcome.result === "conflict" ? conflictObstacle(outcome.conflict, change.owner, this.#options.owners) : undefined;
    } catch (error) {
      const obstacle = writeObstacle(error, writtenBy(change), kind, informer.absent);
      if (obstacle === undefined) throw error;
      return obstacle;
    }
  }
}

function knownObject(informer: Informer<LiveObject>, key: ObjectKey): Known | undefined {
  const entry = informer.get(key);
  return entry?.value === undefined ? undefined : { live: entry.value, resourceVersion: entry.resourceVersion };
}
