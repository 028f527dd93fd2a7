import { createHash } from "node:crypto";
import { FencelineError, partOfFree, TokenBucket } from "@fenceline/api";

/** Limits of {@link RememberedReviews}. Times in milliseconds. */
export interface ReviewLimits {
  /** How long a yes is cached. */
  readonly yesFor: number;
  /** How long a no is cached. */
  readonly noFor: number;
  /**
   * Most questions of one origin that end in a no, at once and per second. A yes does not count.
   * Default: no limit.
   */
  readonly noes?: { readonly burst: number; readonly perSecond: number };
  /** Milliseconds of a monotonic clock. */
  readonly clock?: () => number;
}

/** Most cached answers of each kind. A no must not displace a yes. */
const MAX_REMEMBERED = 1_000;
/** Most reviews at a time: somebody who sends nonsense must not load the API server. */
const MAX_UNDER_WAY = 8;
/**
 * One origin may have as many reviews under way as it leaves to others, so 4 if it is alone: while
 * the API server is slow to answer its nonsense, the questions of others must not wait.
 */
const PART = 1;
const LEAST = 1;
/**
 * Further reviews, of what was answered with yes before: a known good token is always reviewed
 * again, whatever others send.
 */
const MAX_RENEWED = 8;
/** Most origins whose noes are counted. */
const MAX_ORIGINS = 1_000;

interface Remembered<Yes> {
  readonly answer: Yes | undefined;
  readonly until: number;
}

/**
 * Answers of the API server, cached for a short time. Questions are identified by a hash, so no
 * token is kept. Equal questions at the same time are asked once.
 *
 * Failures are not cached. While the API server is away, new questions fail, and cached answers
 * expire as usual.
 */
export class RememberedReviews<Yes> {
  readonly #limits: ReviewLimits;
  readonly #clock: () => number;
  readonly #yes = new Map<string, Remembered<Yes>>();
  readonly #no = new Map<string, Remembered<Yes>>();
  readonly #underWay = new Map<string, Promise<Yes | undefined>>();
  /**
   * Reviews under way by share: that of an origin, or the common one of callers without an origin.
   * Renewals are not counted.
   */
  readonly #byShare = new Map<string, number>();
  #renewals = 0;
  readonly #noes = new Map<string, TokenBucket>();

  constructor(limits: ReviewLimits) {
    this.#limits = limits;
    this.#clock = limits.clock ?? (() => performance.now());
  }

  /**
   * The answer to a question; undefined is a no.
   *
   * @param origin who asks: the limit of noes and the share of reviews under way apply to it.
   * Callers without one (undefined) share the limits of one origin
   * @param review asks the API server
   * @throws {FencelineError} `REVIEWS_LIMITED` when too many questions of the origin ended in a no,
   * `REVIEWS_BUSY` when too many reviews are under way
   * @throws what the review throws
   */
  async answer(question: string, origin: string | undefined, review: () => Promise<Yes | undefined>): Promise<Yes | undefined> {
    const key = createHash("sha256").update(question).digest("base64");
    const known = this.#yes.get(key) ?? this.#no.get(key);
    if (known !== undefined && this.#clock() < known.until) return known.answer;
    const asked = this.#underWay.get(key);
    if (asked !== undefined) return asked;
    const noes = origin === undefined ? undefined : this.#noesOf(origin);
    if (noes?.take(1, this.#clock()) === false) {
      throw new FencelineError("REVIEWS_LIMITED", { message: "too many questions from here ended in a no" });
    }
    const leave = this.#enter(key, origin ?? "");
    if (leave === undefined) {
      noes?.give(1);
      throw new FencelineError("REVIEWS_BUSY", { message: `too many reviews are under way, ${this.#underWay.size} in all` });
    }
    const asking = this.#ask(key, review, () => noes?.give(1)).finally(() => {
      this.#underWay.delete(key);
      leave();
    });
    this.#underWay.set(key, asking);
    return asking;
  }

  /**
   * Takes a place for a review. Returns a function that frees it; undefined when there is no place.
   */
  #enter(key: string, share: string): (() => void) | undefined {
    if (this.#yes.has(key) && this.#renewals < MAX_RENEWED) {
      this.#renewals += 1;
      return () => {
        this.#renewals -= 1;
      };
    }
    const mine = this.#byShare.get(share) ?? 0;
    if (mine >= partOfFree(MAX_UNDER_WAY, this.#underWay.size - this.#renewals, PART, LEAST)) return undefined;
    this.#byShare.set(share, mine + 1);
    return () => {
      const left = (this.#byShare.get(share) ?? 1) - 1;
      if (left === 0) this.#byShare.delete(share);
      else this.#byShare.set(share, left);
    };
  }

  async #ask(key: string, review: () => Promise<Yes | undefined>, giveBack: () => void): Promise<Yes | undefined> {
    const answer = await review().catch((error) => {
      giveBack();
      throw error;
    });
    if (answer !== undefined) giveBack();
    const [memory, other] = answer === undefined ? [this.#no, this.#yes] : [this.#yes, this.#no];
    const { yesFor, noFor } = this.#limits;
    other.delete(key);
    remember(memory, key, { answer, until: this.#clock() + (answer === undefined ? noFor : yesFor) }, MAX_REMEMBERED);
    return answer;
  }

  #noesOf(origin: string): TokenBucket | undefined {
    const { noes } = this.#limits;
    if (noes === undefined) return undefined;
    const bucket = this.#noes.get(origin) ?? new TokenBucket(noes.burst, noes.perSecond, this.#clock());
    remember(this.#noes, origin, bucket, MAX_ORIGINS);
    return bucket;
  }
}

/** Keeps the newest entries, the oldest first. */
function remember<V>(memory: Map<string, V>, key: string, value: V, most: number): void {
  memory.delete(key);
  memory.set(key, value);
  for (const oldest of memory.keys()) {
    if (memory.size <= most) break;
    memory.delete(oldest);
  }
}
