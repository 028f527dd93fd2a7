import {
  type FencelineError,
  InvalidManifests,
  type Kind,
  NamespaceName,
  ObjectName,
  type ObjectRef,
  type OwnKind,
  refText,
  shortenedList,
} from "@fenceline/api";

/** Objects of ours in manifests that are not valid, and what is wrong with each. */
export class ManifestFaults {
  readonly #kinds: ReadonlySet<string>;
  #faults: ReadonlyMap<string, { readonly of: ObjectRef; readonly message: string }> = new Map();

  constructor(kinds: readonly OwnKind[]) {
    this.#kinds = new Set(kinds.map(({ name }) => name));
  }

  messageOf(of: ObjectRef): string | undefined {
    return this.#faults.get(refText(of))?.message;
  }

  of({ name }: Kind): readonly ObjectRef[] {
    return [...this.#faults.values()].flatMap(({ of }) => (of.kind === name ? of : []));
  }

  /**
   * Takes over what is wrong with the files now. Returns the objects whose fault changed or is
   * gone.
   */
  take(errors: Iterable<FencelineError>): readonly ObjectRef[] {
    const found = [...errors].flatMap((error) => (error instanceof InvalidManifests ? error.faults : []));
    const known = found.flatMap((fault) => {
      const of = this.#objectOf(fault);
      return of === undefined ? [] : { of, text: `${fault.at.path}: ${fault.detail}` };
    });
    const now = new Map(
      [...Map.groupBy(known, ({ of }) => refText(of))].flatMap(([id, faults]) =>
        faults.slice(0, 1).map(({ of }) => [id, { of, message: shortenedList(faults.map(({ text }) => text)) }] as const),
      ),
    );
    const before = this.#faults;
    this.#faults = now;
    const all = new Map([...before, ...now]);
    return [...all].flatMap(([id, { of }]) => (before.get(id)?.message === now.get(id)?.message ? [] : of));
  }

  /**
   * The object of ours whose field has the fault. The object's name becomes the name of a file, so
   * it has to be a valid one.
   */
  #objectOf({ at: { object = "", path = "" } }: FencelineError): ObjectRef | undefined {
    const [, kind = "", namespace = "default", name = ""] = /^([A-Za-z]+) (?:([^/]*)\/)?([^/]*)$/.exec(object) ?? [];
    const isNamed = ObjectName.safeParse(name).success && NamespaceName.safeParse(namespace).success;
    return path !== "" && this.#kinds.has(kind) && isNamed ? { kind, namespace, name } : undefined;
  }
}
