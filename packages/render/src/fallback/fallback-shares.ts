import { compareText } from "@fenceline/api";

/**
 * Which namespaces want which port numbers of the fallback's Service, and which have them. Pure
 * bookkeeping: what a port means does not matter here.
 */
export interface Claim {
  readonly port: number;
  /** Namespaces whose Services declare it. */
  readonly namespaces: ReadonlySet<string>;
  /** How many Services declare it. */
  readonly services: number;
}

/** The input of {@link shareOut}. */
export interface ShareInput {
  /** Numbers that are missing. */
  readonly lacking: readonly Claim[];
  /** Existing numbers that somebody declares. */
  readonly held: readonly Claim[];
  /** Existing numbers that may be removed. */
  readonly removable: ReadonlySet<number>;
  /** How many may be added without removing any. */
  readonly room: number;
}

/** The result. Other numbers stay as they are. */
export interface Shares {
  readonly granted: readonly number[];
  readonly takenAway: readonly number[];
}

/**
 * Places that are guaranteed to a namespace, even where others have filled all of them. Few
 * workloads listen on more port numbers than this, and a tenant cannot take more than this from
 * another.
 */
export const SURE_PORTS = 8;

/**
 * Shares places among namespaces by max-min fairness: the next place is always for the namespace
 * that has the fewest. So one Service with hundreds of ports, whenever it comes, only gets places
 * that others do not want. A number that several namespaces declare counts for each of them.
 *
 * A declared number is removed in one case only: every place is taken, a namespace has fewer than
 * {@link SURE_PORTS}, and another one has more. Then the namespace with the most gives one up.
 */
export function shareOut({ lacking, held, removable, room }: ShareInput): Shares {
  const accounts = new Accounts(lacking, held, removable);
  const granted: number[] = [];
  const takenAway: number[] = [];
  for (let left = room; ; ) {
    const next = accounts.neediest();
    if (next === undefined) break;
    if (left > 0) left -= 1;
    else {
      const port = next.has < SURE_PORTS ? accounts.giveUp() : undefined;
      if (port === undefined) break;
      takenAway.push(port);
    }
    granted.push(accounts.grant(next));
  }
  return { granted, takenAway };
}

/** The namespace that declares most of the existing numbers. */
export function largestHolder(held: readonly Claim[]): { readonly namespace: string; readonly ports: number } | undefined {
  const [largest] = [...new Accounts([], held, new Set()).all()].sort((a, b) => b.has - a.has || compareText(a.namespace, b.namespace));
  return largest && { namespace: largest.namespace, ports: largest.has };
}

interface Account {
  readonly namespace: string;
  /** How many of its numbers exist, or were granted. */
  has: number;
  /** Numbers that it wants, the last first. */
  readonly wants: Claim[];
  /** Its numbers that may be removed, the first to go last. */
  readonly spare: Claim[];
}

class Accounts {
  readonly #accounts = new Map<string, Account>();
  readonly #granted = new Set<number>();
  readonly #gone = new Set<number>();

  constructor(lacking: readonly Claim[], held: readonly Claim[], removable: ReadonlySet<number>) {
    for (const claim of held.toSorted(byWeight))
      for (const namespace of claim.namespaces) {
        const account = this.#of(namespace);
        account.has += 1;
        if (removable.has(claim.port)) account.spare.push(claim);
      }
    for (const claim of lacking.toSorted(byWeight).reverse())
      for (const namespace of claim.namespaces) this.#of(namespace).wants.push(claim);
  }

  all(): Iterable<Account> {
    return this.#accounts.values();
  }

  /** Of the namespaces that want a place, the one with the fewest. */
  neediest(): Account | undefined {
    let neediest: Account | undefined;
    for (const account of this.all()) {
      while (this.#granted.has(account.wants.at(-1)?.port ?? 0)) account.wants.pop();
      if (account.wants.length > 0 && (neediest === undefined || isBefore(account, neediest))) neediest = account;
    }
    return neediest;
  }

  grant(account: Account): number {
    const claim = account.wants.pop();
    if (claim === undefined) throw new RangeError(`namespace ${account.namespace} wants no port`);
    this.#granted.add(claim.port);
    for (const namespace of claim.namespaces) this.#of(namespace).has += 1;
    return claim.port;
  }

  /**
   * Removes a number from the namespace that has the most: the one that the fewest others declare,
   * and only if each of them has more than is guaranteed to it. Otherwise two tenants who declare
   * the same numbers could keep out all others.
   */
  giveUp(): number | undefined {
    const donors = [...this.all()]
      .filter(({ has }) => has > SURE_PORTS)
      .sort((a, b) => b.has - a.has || compareText(a.namespace, b.namespace));
    for (const { spare } of donors) {
      const claim = spare.findLast(
        ({ port, namespaces }) => !this.#gone.has(port) && [...namespaces].every((each) => this.#of(each).has > SURE_PORTS),
      );
      if (claim === undefined) continue;
      this.#gone.add(claim.port);
      for (const namespace of claim.namespaces) this.#of(namespace).has -= 1;
      return claim.port;
    }
    return undefined;
  }

  #of(namespace: string): Account {
    const account = this.#accounts.get(namespace) ?? { namespace, has: 0, wants: [], spare: [] };
    this.#accounts.set(namespace, account);
    return account;
  }
}

function isBefore(a: Account, b: Account): boolean {
  return a.has < b.has || (a.has === b.has && a.namespace < b.namespace);
}

/** First what more namespaces declare, then what more Services declare. */
export function byWeight(a: Claim, b: Claim): number {
  return b.namespaces.size - a.namespaces.size || b.services - a.services || a.port - b.port;
}
