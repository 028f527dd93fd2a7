import { compareText } from "@fenceline/api";

/**
 * Who wants which port numbers of the fallback's Service, and who has them. Pure bookkeeping: what
 * a port is does not matter here.
 */
export interface Claim {
  readonly port: number;
  /** Namespaces whose Services declare it. */
  readonly namespaces: ReadonlySet<string>;
  /** How many Services declare it. */
  readonly services: number;
}

/** What is shared out. */
export interface ShareInput {
  /** Numbers that are not there. */
  readonly lacking: readonly Claim[];
  /** Numbers that are there and that somebody declares. */
  readonly held: readonly Claim[];
  /** Numbers that are there and may be taken away. */
  readonly removable: ReadonlySet<number>;
  /** How many may be added without taking any away. */
  readonly room: number;
}

/** The outcome. What is neither of the two stays as it is. */
export interface Shares {
  readonly granted: readonly number[];
  readonly takenAway: readonly number[];
}

/**
 * Places that a namespace is sure of, also where others have filled all of them. Few workloads
 * listen on more port numbers than this; and no tenant can take more than this from another one.
 */
export const SURE_PORTS = 8;

/**
 * Shares out places among namespaces by max-min fairness: the next place is always for the
 * namespace that has the fewest. So one Service with hundreds of ports, whenever it comes, takes
 * what others do not want, and no more. A number that several namespaces declare counts for each of
 * them.
 *
 * What somebody declares is taken away in one case only: every place is taken, a namespace has
 * fewer than {@link SURE_PORTS}, and another one has more. Then the namespace with the most gives
 * one up.
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

/** The namespace that declares most of the numbers that are there. */
export function largestHolder(held: readonly Claim[]): { readonly namespace: string; readonly ports: number } | undefined {
  const [largest] = [...new Accounts([], held, new Set()).all()].sort((a, b) => b.has - a.has || compareText(a.namespace, b.namespace));
  return largest && { namespace: largest.namespace, ports: largest.has };
}

interface Account {
  readonly namespace: string;
  /** Numbers that are there, or were granted. */
  has: number;
  /** Numbers that it wants, the last first. */
  readonly wants: Claim[];
  /** Numbers of them that may be taken away, the first to go last. */
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

  /** The namespace with the fewest places of those that want one. */
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
   * Takes a number from the namespace that has the most: one that as few others as possible
   * declare, and only if each of them has more than it is sure of. Otherwise two tenants who
   * declare the same numbers would keep everybody else out.
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

/** What more namespaces, then more Services, declare comes first. */
export function byWeight(a: Claim, b: Claim): number {
  return b.namespaces.size - a.namespaces.size || b.services - a.services || a.port - b.port;
}
