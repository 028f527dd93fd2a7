import { compareText } from "@fenceline/api";

/** What a VirtualService of another namespace, or a route, adds to the hosts of a fence. */
export interface Addition {
  /** The host of the fence. */
  readonly host: string;
  /** Namespace of the VirtualService: neither the caller's nor the host's. */
  readonly namespace: string;
  /** What it adds: `<namespace>/<host>`, from which it is imported, and destinations. */
  readonly names: readonly string[];
}

/**
 * Most characters of all that other namespaces add to the hosts of one list. Anybody may export
 * VirtualServices for every host to everybody, and beyond 1 MiB the fence is refused as a whole.
 */
const MOST_CHARACTERS = 64 * 1024;

/**
 * The additions for which there is room, with what they add. Namespaces take turns, those with the
 * least first, and within a namespace what adds the least. So nobody who has many keeps out others.
 * What several add counts once.
 *
 * @param entriesOf a name in a Sidecar's notation, which costs a look-up
 */
export function withRoom(
  additions: readonly Addition[],
  entriesOf: (name: string) => readonly string[],
): ReadonlyMap<Addition, readonly string[]> {
  let room = MOST_CHARACTERS;
  const added = new Map<string, readonly string[]>();
  const taken = new Map<Addition, readonly string[]>();
  for (const addition of inTurns(additions)) {
    const further = addition.names.filter((name) => !added.has(name));
    // A name that is not registered adds nothing, and still costs a look-up.
    const least = charactersOf(further);
    if (least > room) continue;
    const entries = new Map(further.map((name) => [name, entriesOf(name)]));
    const size = Math.max(least, charactersOf([...entries.values()].flat()));
    if (size > room) continue;
    room -= size;
    for (const [name, own] of entries) added.set(name, own);
    taken.set(
      addition,
      addition.names.flatMap((name) => added.get(name) ?? []),
    );
  }
  return taken;
}

/** By what the namespace has added with it. The order of the hosts does not matter. */
function inTurns(additions: readonly Addition[]): readonly Addition[] {
  const turns = [...Map.groupBy(additions, ({ namespace }) => namespace).values()].flatMap((own) => {
    let total = 0;
    return own.toSorted(bySize).map((addition) => {
      total += addition.names.length;
      return { addition, total };
    });
  });
  return turns
    .sort((one, other) => one.total - other.total || compareText(one.addition.namespace, other.addition.namespace))
    .map(({ addition }) => addition);
}

function bySize(one: Addition, other: Addition): number {
  return one.names.length - other.names.length || compareText(one.host, other.host);
}

function charactersOf(texts: readonly string[]): number {
  let characters = 0;
  for (const text of texts) characters += text.length;
  return characters;
}
