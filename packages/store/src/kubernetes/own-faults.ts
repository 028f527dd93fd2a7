import { FencelineError, LONGEST_MESSAGE, type SpecFault, shortened } from "@fenceline/api";
import { keyText, type ObjectKey, type WireObject } from "@fenceline/kubernetes";

/** A fault, and the uid of the object that has it. */
interface Known {
  readonly uid: string;
  readonly fault: SpecFault;
}

/** Objects of one group of a kind of ours whose last version cannot be read, and why. */
export class OwnFaults {
  readonly #faults = new Map<string, Known>();
  readonly #onChange: (key: ObjectKey) => void;

  /** @param onChange told of an object whose fault changed or is gone */
  constructor(onChange: (key: ObjectKey) => void) {
    this.#onChange = onChange;
  }

  get(key: ObjectKey): Known | undefined {
    return this.#faults.get(keyText(key));
  }

  keys(): readonly string[] {
    return [...this.#faults.keys()];
  }

  /** A version of an object is readable. */
  read({ metadata }: WireObject): void {
    if (this.#faults.delete(keyText(metadata))) this.#onChange(metadata);
  }

  /**
   * A version of an object is not readable.
   *
   * @param status its status, as far as that is readable
   */
  failed({ metadata }: WireObject, error: unknown, status: object): void {
    const key = keyText(metadata);
    const before = this.#faults.get(key);
    const fault = { message: messageOf(error), generation: generationOf(metadata), status };
    this.#faults.set(key, { uid: metadata.uid, fault });
    const isSame = before?.uid === metadata.uid && before.fault.message === fault.message && before.fault.generation === fault.generation;
    if (!isSame) this.#onChange(metadata);
  }

  /** An object is gone. */
  gone(key: string): void {
    this.#faults.delete(key);
  }
}

function messageOf(error: unknown): string {
  if (!(error instanceof FencelineError)) return shortened(error instanceof Error ? error.message : String(error), LONGEST_MESSAGE);
  return shortened([error.at.path, error.detail].filter(Boolean).join(": "), LONGEST_MESSAGE);
}

function generationOf({ generation }: WireObject["metadata"] & { readonly generation?: unknown }): number | undefined {
  return Number.isSafeInteger(generation) ? Number(generation) : undefined;
}
