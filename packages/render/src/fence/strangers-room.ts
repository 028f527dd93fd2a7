import { compareText } from "@fenceline/api";

/** What a VirtualService of a stranger, or a route, adds to the hosts of a fence. */
export interface Addition {
  /** Host of the fence that it is for. */
  readonly host: string;
  /** Of the VirtualService: neither the caller's nor the host's. */
  readonly namespace: string;
  /** What it adds: where it is imported from, `<namespace>/<host>`, and destinations. */
  readonly names: readonly string[];
}

/**
 * Characters of all that strangers add to the hosts of one list. Anybody may export VirtualServices
 * for every host to everybody, and beyond 1 MiB the fence is refused whole.
 */
const MOST_CHARACTERS = 64 * 1024;

/**
 * The additions for which there is room, with what they add. Namespaces take turns, those with the
 * least first, and of one namespace what adds the least: nobody is shut out by one who has many.
 * What several add takes room once.
 *
 * @param entriesOf a name as a Sidecar has it, which costs a look-up
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
    // What nobody has registered adds nothing, and costs a look-up all the same.
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

/** By what the namespace has added with it. The order in which hosts are given changes nothing. */
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
