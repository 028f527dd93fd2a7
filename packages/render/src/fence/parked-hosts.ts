import { EVERYTHING, isSameList, parkedHosts, type Sidecar, sidecarHosts } from "@fenceline/api";
import { EgressCover } from "./egress-cover.ts";

/** Since when a host has been parked, as far as known. */
interface Parked {
  readonly since: number;
  /** It was shown before, so the Envoys have its cluster already. */
  readonly wasShown: boolean;
}

/**
 * Since when each host of a fence's Sidecar has been parked. A replica that has looked at it from
 * the start knows that. Another one, as after a restart, assumes that it was parked just now, and
 * so waits longer than necessary.
 */
export class ParkedHosts {
  #parked: ReadonlyMap<string, Parked> = new Map();
  #cover = new EgressCover([]);
  #spec: Sidecar["spec"] | undefined;
  #shown: readonly string[] = [];
  #isFirst = true;
  #isThere = true;
  #since = 0;
  /** Since when there is no Sidecar. The first look assumes that it has just been deleted. */
  #goneSince: number | undefined;

  /**
   * Records what is rendered.
   *
   * @param at milliseconds of a clock that never goes back
   * @param unfenced what the workload sees without a Sidecar of ours. Default: everything
   * @returns hosts that are shown since the last look; none at the first one
   */
  see(present: Sidecar | undefined, at: number, unfenced: readonly string[] = [EVERYTHING]): readonly string[] {
    if (!this.#isFirst && present?.spec === this.#spec) return [];
    const shown = present === undefined ? unfenced : sidecarHosts(present);
    const parked = present === undefined ? [] : parkedHosts(present);
    if (present !== undefined) this.#goneSince = undefined;
    else if (this.#isThere) this.#goneSince = at;
    const isSame =
      this.#isThere === (present !== undefined) && isSameList(shown, this.#shown) && isSameList(parked, [...this.#parked.keys()]);
    if (this.#isFirst || !isSame) this.#since = at;
    this.#isThere = present !== undefined;
    if (parked.length > 0 || this.#parked.size > 0) this.#take(shown, parked, at);
    const before = new Set(this.#shown);
    const came = this.#isFirst ? [] : shown.filter((egress) => !before.has(egress));
    this.#spec = present?.spec;
    this.#shown = shown;
    this.#isFirst = false;
    return came;
  }

  /**
   * When a parked host may be shown, or removed: when every Envoy has applied that it is parked.
   * Undefined for a host that is not parked.
   *
   * @param pause milliseconds that this takes
   */
  dueAt(egress: string, pause: number): number | undefined {
    const own = this.#parked.get(egress);
    const cover = this.#cover.coverOf(egress);
    const covering = cover === undefined ? undefined : this.#parked.get(cover);
    const due = [own, covering].flatMap((parked) => (parked === undefined ? [] : parked.since + pause));
    return due.length === 0 ? undefined : Math.min(...due);
  }

  /** Since when the Sidecar is unchanged. The first look assumes that it has just changed. */
  get unchangedSince(): number {
    return this.#since;
  }

  /** Whether the Envoys have a parked host's cluster, whenever it was parked. */
  hasCluster(egress: string): boolean {
    return this.#parked.get(egress)?.wasShown === true;
  }

  /**
   * When the objects that catch calls to hidden hosts may be removed, since every Envoy has applied
   * that nothing is hidden any more. Undefined when they may already, as far as known.
   */
  revealedAt(pause: number): number | undefined {
    return this.#goneSince === undefined ? undefined : this.#goneSince + pause;
  }

  #take(shown: readonly string[], parked: readonly string[], at: number): void {
    const [before, now] = [new EgressCover(this.#shown), new EgressCover(shown)];
    const [cover, was] = [new EgressCover(parked), this.#parked];
    const left = this.#isFirst ? [] : this.#shown.filter((egress) => !now.includes(egress));
    // What a wildcard includes begins anew with a host that leaves and is parked by the wildcard.
    const renewed = new Set(left.flatMap((egress) => cover.coverOf(egress) ?? []));
    this.#parked = new Map(
      parked.map((egress) => {
        const known = was.get(egress);
        const wasShown = known?.wasShown ?? before.includes(egress);
        return [egress, known === undefined || renewed.has(egress) ? { since: at, wasShown } : known];
      }),
    );
    this.#cover = cover;
  }
}
