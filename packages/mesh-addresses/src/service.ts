import { type AddressUpdate, MAX_ADDRESSES_PER_UPDATE, type MeshAddress } from "@fenceline/api/vocabulary";
import {
  type CallerCheck,
  type CallerRefusal,
  type CallHandler,
  GRPC_STATUS,
  type GrpcCall,
  type GrpcService,
  OK,
  reviewAgain,
} from "@fenceline/wire";
import { encodeAddressUpdate, WATCH_ADDRESSES } from "./codec.ts";

/** The source of addresses. */
export interface AddressFeed {
  addresses(): Iterable<MeshAddress>;
  get(address: string): MeshAddress | undefined;
  /** Calls `listener` with the addresses of each change, until the returned function is called. */
  onChange(listener: (changed: ReadonlySet<string>) => void): () => void;
}

/**
 * Most changed addresses that wait for a slow reader. Beyond it the reader gets all addresses
 * again, which is never more than the mesh has.
 */
const MAX_WAITING = 20_000;

/**
 * `MeshAddresses/Watch`, for callers that the check admits, now and later.
 *
 * @param reviewedEveryMs most milliseconds between two checks of the caller. Default 4 minutes
 */
export function meshAddressService(feed: AddressFeed, caller: CallerCheck, reviewedEveryMs?: number): GrpcService {
  return { [WATCH_ADDRESSES]: { open: (call) => new WatchCall(call, feed, caller, reviewedEveryMs) } };
}

/** One watcher: first all addresses, then the changed ones, each in its state when it is sent. */
class WatchCall implements CallHandler {
  readonly #call: GrpcCall;
  readonly #feed: AddressFeed;
  /** The rest of the whole view; undefined once it was sent. */
  #view: Iterator<MeshAddress> | undefined;
  #isFirst = false;
  #waiting = new Set<string>();
  #isBlocked = false;
  #isOver = false;
  #stop: () => void = () => {};
  #stopReviews: () => void = () => {};
  readonly #review: () => () => void;

  constructor(call: GrpcCall, feed: AddressFeed, caller: CallerCheck, everyMs: number | undefined) {
    this.#call = call;
    this.#feed = feed;
    this.#review = () => reviewAgain({ call, check: caller, everyMs, onRefused: () => this.retire() });
    const verdict = caller(call.headers, call.peer);
    if (verdict instanceof Promise) void verdict.then((refusal) => this.#admit(refusal));
    else this.#admit(verdict);
  }

  message(): void {}

  drained(): void {
    this.#isBlocked = false;
    this.#send();
  }

  retire(): void {
    this.#call.end(OK);
  }

  closed(): void {
    this.#isOver = true;
    this.#stop();
    this.#stopReviews();
  }

  #admit(refusal: CallerRefusal | undefined): void {
    if (this.#isOver) return;
    if (refusal !== undefined) {
      this.#call.end({ code: GRPC_STATUS[refusal.code], details: refusal.details });
      return;
    }
    this.#stopReviews = this.#review();
    this.#stop = this.#feed.onChange((changed) => this.#changed(changed));
    this.#beginView();
    // The host has this handler only after its constructor has returned.
    setImmediate(() => this.#send());
  }

  #beginView(): void {
    this.#view = this.#feed.addresses()[Symbol.iterator]();
    this.#isFirst = true;
    this.#waiting.clear();
  }

  #changed(changed: ReadonlySet<string>): void {
    for (const address of changed) this.#waiting.add(address);
    if (this.#waiting.size > MAX_WAITING) this.#beginView();
    this.#send();
  }

  #send(): void {
    while (!this.#isBlocked && !this.#isOver && (this.#view !== undefined || this.#waiting.size > 0)) {
      const update = this.#view === undefined ? this.#nextChanges() : this.#nextOfView(this.#view);
      this.#isBlocked = !this.#call.send(encodeAddressUpdate(update));
    }
  }

  #nextOfView(view: Iterator<MeshAddress>): AddressUpdate {
    const addresses: MeshAddress[] = [];
    let size = 0;
    let next = view.next();
    while (next.done !== true) {
      addresses.push(next.value);
      size += sizeOf(next.value);
      if (size >= MAX_ADDRESSES_PER_UPDATE) break;
      next = view.next();
    }
    const complete = next.done === true;
    if (complete) this.#view = undefined;
    const reset = this.#isFirst;
    this.#isFirst = false;
    return { reset, complete, addresses, removed: [] };
  }

  #nextChanges(): AddressUpdate {
    const addresses: MeshAddress[] = [];
    const removed: string[] = [];
    let size = 0;
    for (const address of this.#waiting) {
      this.#waiting.delete(address);
      const known = this.#feed.get(address);
      if (known === undefined) removed.push(address);
      else addresses.push(known);
      size += known === undefined ? 1 : sizeOf(known);
      if (size >= MAX_ADDRESSES_PER_UPDATE) break;
    }
    return { reset: false, complete: false, addresses, removed };
  }
}

/** Number of addresses and hosts in one address's entry. */
function sizeOf({ leadsTo, sidecars, hosts }: MeshAddress): number {
  return 1 + [leadsTo, sidecars?.flat(), hosts].reduce((sum, list) => sum + (list?.length ?? 0), 0);
}
