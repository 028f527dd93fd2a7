/** An expression as steps that `matcher.ts` follows. */
import { endOf, endOfClass, endOfEscape, matchAt, Re2Fault } from "../re2-characters.ts";

/** What is done at one place of the text; numbers name the step that follows. */
export type Step =
  | { readonly is: "character"; readonly takes: Uint8Array; readonly next: number }
  | { readonly is: "place"; readonly place: Place; readonly next: number }
  | { readonly is: "save"; readonly slot: number; readonly next: number }
  | { is: "fork"; first: number; second: number }
  | { readonly is: "end" };

export type Place = "^" | "$" | "\\b" | "\\B";

/** The steps of an expression. */
export interface Program {
  readonly steps: readonly Step[];
  readonly start: number;
  /** How many groups it has, the whole match among them. */
  readonly groups: number;
  /** Numbers of the groups that have a name. */
  readonly names: ReadonlyMap<string, number>;
}

type Part =
  | { readonly is: "character"; readonly takes: Uint8Array }
  | { readonly is: "place"; readonly place: Place }
  | { readonly is: "sequence" | "choice"; readonly parts: readonly Part[] }
  | { readonly is: "group"; readonly number: number; readonly part: Part }
  | { readonly is: "repeat"; readonly part: Part; readonly least: number; readonly most: number; readonly isLazy: boolean };

/** Most steps of an expression. A text costs at most its length for each of them. */
const MOST_STEPS = 1_000;

const GROUP = /\((?:\?(?:([ims]*(?:-[ims]+)?):|<(\w+)>))?/y;
const REPETITION = /(?:([*+?])|\{(\d+)(?:(,)(\d*))?\})(\?)?/y;
const PLACE = /[$^]|\\[Bb]/y;

/**
 * Steps for an expression that both RE2 and JavaScript can read.
 *
 * @throws {Re2Fault} where it comes to too many
 */
export function programOf(expression: string): Program {
  const reader = new Reader(expression);
  const writer = new Writer();
  const whole: Part = { is: "group", number: 0, part: reader.choice() };
  const start = writer.write(whole, writer.add({ is: "end" }));
  return { steps: writer.steps, start, groups: reader.groups, names: reader.names };
}

/** Reads an expression from left to right. */
class Reader {
  readonly names = new Map<string, number>();
  groups = 1;
  readonly #text: string;
  /** Flags of the groups that are open. */
  readonly #flags: string[] = [];
  readonly #tables = new Map<string, Uint8Array>();
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  /** Up to the end of its group. */
  choice(): Part {
    const parts = [this.#sequence()];
    while (this.#text[this.#at] === "|") {
      this.#at += 1;
      parts.push(this.#sequence());
    }
    return { is: "choice", parts };
  }

  #sequence(): Part {
    const parts: Part[] = [];
    while (this.#at < this.#text.length && !"|)".includes(this.#text.charAt(this.#at))) parts.push(this.#repeated(this.#part()));
    return { is: "sequence", parts };
  }

  #repeated(part: Part): Part {
    const repetition = matchAt(REPETITION, this.#text, this.#at);
    if (repetition === undefined) return part;
    const [text, sign, count, comma, upTo, lazy] = repetition;
    this.#at += text.length;
    const least = sign === undefined ? Number(count) : Number(sign === "+");
    const isOpen = sign === undefined ? comma !== undefined && upTo === "" : sign !== "?";
    const most = isOpen ? Number.POSITIVE_INFINITY : sign === "?" ? 1 : Number(upTo ?? count);
    return { is: "repeat", part, least, most, isLazy: lazy !== undefined };
  }

  #part(): Part {
    const from = this.#at;
    if (this.#text[from] === "(") return this.#group();
    const place = endOf(PLACE, this.#text, from);
    this.#at = place ?? this.#endOfCharacter();
    const text = this.#text.slice(from, this.#at);
    return place === undefined ? { is: "character", takes: this.#tableOf(text) } : { is: "place", place: text as Place };
  }

  #endOfCharacter(): number {
    if (this.#text[this.#at] === "[") return endOfClass(this.#text, this.#at);
    return this.#text[this.#at] === "\\" ? endOfEscape(this.#text, this.#at) : this.#at + 1;
  }

  #group(): Part {
    const [opening = "(", flags, name] = matchAt(GROUP, this.#text, this.#at) ?? [];
    this.#at += opening.length;
    const number = flags === undefined ? this.groups++ : undefined;
    if (name !== undefined && number !== undefined) this.names.set(name, number);
    this.#flags.push(flags ?? "");
    const part = this.choice();
    this.#flags.pop();
    this.#at += 1;
    return number === undefined ? part : { is: "group", number, part };
  }

  /** Which characters of ASCII a class, an escape or a sign takes: JavaScript is asked for each. */
  #tableOf(text: string): Uint8Array {
    const source = this.#flags.reduceRight((inner, flags) => (flags === "" ? inner : `(?${flags}:${inner})`), text);
    const known = this.#tables.get(source);
    if (known !== undefined) return known;
    const expression = new RegExp(`^${source}$`, "u");
    const table = Uint8Array.from({ length: 128 }, (_, code) => Number(expression.test(String.fromCharCode(code))));
    this.#tables.set(source, table);
    return table;
  }
}

/** Writes steps from the last to the first. */
class Writer {
  readonly steps: Step[] = [];

  add(step: Step): number {
    if (this.steps.length === MOST_STEPS) throw new Re2Fault(`its repetitions come to more than ${MOST_STEPS} steps`);
    return this.steps.push(step) - 1;
  }

  /** @returns the first step of a part that goes on with `next` */
  write(part: Part, next: number): number {
    switch (part.is) {
      case "character":
      case "place":
        return this.add({ ...part, next });
      case "sequence":
        return part.parts.reduceRight((then, each) => this.write(each, then), next);
      case "choice":
        return part.parts.map((each) => this.write(each, next)).reduceRight((second, first) => this.add({ is: "fork", first, second }));
      case "group": {
        const end = this.add({ is: "save", slot: 2 * part.number + 1, next });
        return this.add({ is: "save", slot: 2 * part.number, next: this.write(part.part, end) });
      }
      case "repeat":
        return this.#writeRepeat(part, next);
    }
  }

  #writeRepeat({ part, least, most, isLazy }: Extract<Part, { is: "repeat" }>, next: number): number {
    const fork = (body: number): Step => ({ is: "fork", ...(isLazy ? { first: next, second: body } : { first: body, second: next }) });
    let at = next;
    if (most === Number.POSITIVE_INFINITY) {
      at = this.add({ is: "end" });
      this.steps[at] = fork(this.write(part, at));
    } else for (let count = least; count < most; count += 1) at = this.add(fork(this.write(part, at)));
    for (let count = 0; count < least; count += 1) at = this.write(part, at);
    return at;
  }
}
