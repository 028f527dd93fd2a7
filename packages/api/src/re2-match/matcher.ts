import { type Place, type Program, programOf, type Step } from "./program.ts";

/** Where an expression matches, and what its groups took. */
export interface Re2Match {
  readonly start: number;
  readonly end: number;
  /** By number; 0 is the whole match. Undefined for a group that took no part. */
  readonly groups: readonly (string | undefined)[];
  /** By name. */
  readonly named: ReadonlyMap<string, string | undefined>;
}

/**
 * Matches texts of ASCII in a time that grows with their length, whatever the expression. It tries
 * alternatives in their order, as Perl, Go and JavaScript do, but each step at each place once:
 * what failed there before fails again. The same is done by RE2's `BitState`.
 */
export class Re2Matcher {
  readonly #program: Program;

  /**
   * @param expression one that RE2 and JavaScript can read
   * @throws {Re2Fault} where it has too many steps
   */
  constructor(expression: string) {
    this.#program = programOf(expression);
  }

  /** The first match that begins at `from` or behind. */
  match(text: string, from = 0): Re2Match | undefined {
    const { steps, names } = this.#program;
    const tried = new Uint8Array(steps.length * (text.length + 1));
    for (let start = from; start <= text.length; start += 1) {
      const slots = this.#slotsAt(text, start, tried);
      if (slots === undefined) continue;
      const groups = Array.from({ length: slots.length / 2 }, (_, number) => {
        const [begin = -1, end = -1] = slots.slice(2 * number);
        return end === -1 ? undefined : text.slice(begin, end);
      });
      const named = new Map([...names].map(([name, number]) => [name, groups[number]]));
      return { start, end: slots[1] ?? start, groups, named };
    }
    return undefined;
  }

  #slotsAt(text: string, start: number, tried: Uint8Array): readonly number[] | undefined {
    const slots = new Array<number>(2 * this.#program.groups).fill(-1);
    const pending = [this.#program.start, start];
    while (pending.length > 0) {
      const [value = 0, number = 0] = [pending.pop(), pending.pop()];
      if (number < 0) slots[-number - 1] = value;
      else if (this.#follows(text, number, value, { slots, pending, tried })) return slots;
    }
    return undefined;
  }

  /** Follows steps from one place until they fail. @returns whether they came to the end */
  #follows(text: string, from: number, place: number, trial: Trial): boolean {
    const { steps } = this.#program;
    let number: number | undefined = from;
    for (let at = place; number !== undefined; ) {
      const mark: number = number * (text.length + 1) + at;
      if (trial.tried[mark] === 1) return false;
      trial.tried[mark] = 1;
      const step = steps[number] as Step;
      if (step.is === "end") return true;
      number = nextOf(step, text, at, trial);
      if (step.is === "character") at += 1;
    }
    return false;
  }
}

/** The step behind one, or undefined where it fails. */
function nextOf(step: Exclude<Step, { is: "end" }>, text: string, at: number, { slots, pending }: Trial): number | undefined {
  switch (step.is) {
    case "character":
      return step.takes[text.charCodeAt(at)] === 1 ? step.next : undefined;
    case "place":
      return isAt(step.place, text, at) ? step.next : undefined;
    case "fork":
      pending.push(step.second, at);
      return step.first;
    case "save":
      pending.push(-step.slot - 1, slots[step.slot] ?? -1);
      slots[step.slot] = at;
      return step.next;
  }
}

interface Trial {
  readonly slots: number[];
  /**
   * In pairs: a step with a place where it is yet to be tried; or a slot, as -1 and below, with the
   * value that it had.
   */
  readonly pending: number[];
  /** 1 for each step at each place of the text that was tried. */
  readonly tried: Uint8Array;
}

function isAt(place: Place, text: string, at: number): boolean {
  if (place === "^") return at === 0;
  if (place === "$") return at === text.length;
  const isBorder = isWord(text, at - 1) !== isWord(text, at);
  return isBorder === (place === "\\b");
}

function isWord(text: string, at: number): boolean {
  return /^\w$/.test(text.charAt(at));
}
