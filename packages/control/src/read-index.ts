import { type ObjectRef, refText } from "@fenceline/api";

interface Reader {
  readonly of: ObjectRef;
  readonly topics: ReadonlySet<string>;
}

/**
 * Which objects read what, so that a change has those looked at that read something of it, and no
 * others. A topic is any text, such as the name of a Service.
 */
export class ReadIndex {
  readonly #readers = new Map<string, Reader>();
  readonly #byTopic = new Map<string, Map<string, ObjectRef>>();

  /** Takes note of all that an object read. What it read before does not count any more. */
  set(of: ObjectRef, topics: ReadonlySet<string>): void {
    const id = refText(of);
    const before = this.#readers.get(id);
    for (const topic of before?.topics ?? []) if (!topics.has(topic)) this.#remove(topic, id);
    for (const topic of topics) {
      const readers = this.#byTopic.get(topic);
      if (readers === undefined) this.#byTopic.set(topic, new Map([[id, of]]));
      else readers.set(id, of);
    }
    this.#readers.set(id, { of, topics });
  }

  /** An object is gone. */
  delete(of: ObjectRef): void {
    const id = refText(of);
    for (const topic of this.#readers.get(id)?.topics ?? []) this.#remove(topic, id);
    this.#readers.delete(id);
  }

  /** The objects that read a topic. */
  readersOf(topic: string): Iterable<ObjectRef> {
    return this.#byTopic.get(topic)?.values() ?? [];
  }

  /** Whether anybody reads a topic. */
  isRead(topic: string): boolean {
    return this.#byTopic.has(topic);
  }

  /** What somebody reads. */
  topics(): Iterable<string> {
    return this.#byTopic.keys();
  }

  /** Topics that somebody reads. */
  get size(): number {
    return this.#byTopic.size;
  }

  #remove(topic: string, id: string): void {
    const readers = this.#byTopic.get(topic);
    readers?.delete(id);
    if (readers?.size === 0) this.#byTopic.delete(topic);
  }
}
