import { compareText, type ObjectChange, objectOf } from "@fenceline/api";

interface Named {
  readonly metadata: { readonly name: string };
}

/** Objects of a kind by topics, which name their namespace, so that few of them are looked at. */
export class ObjectsByTopic<O extends Named> {
  readonly #byTopic = new Map<string, readonly O[]>();
  readonly #topicsOf: (object: O) => readonly string[];

  constructor(topicsOf: (object: O) => readonly string[]) {
    this.#topicsOf = topicsOf;
  }

  changed({ before, after }: ObjectChange<O>): void {
    const { name } = objectOf({ before, after })?.metadata ?? {};
    const [had, has] = [before, after].map((object) => new Set(object && this.#topicsOf(object)));
    for (const topic of new Set([...(had ?? []), ...(has ?? [])])) {
      const others = this.of(topic).filter(({ metadata }) => metadata.name !== name);
      const left = after !== undefined && has?.has(topic) === true ? [...others, after].sort(byName) : others;
      if (left.length === 0) this.#byTopic.delete(topic);
      else this.#byTopic.set(topic, left);
    }
  }

  /** Ordered by name. */
  of(topic: string): readonly O[] {
    return this.#byTopic.get(topic) ?? [];
  }

  /** Topics that a change affects. */
  topicsOf({ before, after }: ObjectChange<O>): ReadonlySet<string> {
    return new Set([before, after].flatMap((object) => (object === undefined ? [] : this.#topicsOf(object))));
  }
}

function byName(one: Named, other: Named): number {
  return compareText(one.metadata.name, other.metadata.name);
}
