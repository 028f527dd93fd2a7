/** The parts of the Dockerfile that its tests read. */
import { projectFile } from "../compose/composition.ts";

/** One stage: `FROM <from> AS <name>` and what follows. */
export interface Stage {
  readonly from: string;
  readonly name: string;
  /** Instructions with their arguments, lines put together. */
  readonly instructions: readonly (readonly [instruction: string, argument: string])[];
}

/** The stages of the project's Dockerfile, in order, and the instructions before the first. */
export function readDockerfile(): { readonly head: Stage["instructions"]; readonly stages: readonly Stage[] } {
  const lines = projectFile("Dockerfile")
    .replaceAll(/\\\n/g, " ")
    .split("\n")
    .filter((line) => line !== "" && !line.startsWith("#"));
  const head: [string, string][] = [];
  const stages: { from: string; name: string; instructions: [string, string][] }[] = [];
  for (const line of lines) {
    const [, instruction = "", argument = ""] = /^(\w+)\s+(.*)$/.exec(line) ?? [];
    const [, from, name = ""] = /^(\S+)(?: AS (\S+))?$/.exec(argument) ?? [];
    if (instruction === "FROM" && from !== undefined) stages.push({ from, name, instructions: [] });
    else (stages.at(-1)?.instructions ?? head).push([instruction, argument]);
  }
  return { head, stages };
}

/** Arguments of all instructions of that kind. */
export function argumentsOf(instructions: Stage["instructions"], kind: string): string[] {
  return instructions.flatMap(([instruction, argument]) => (instruction === kind ? [argument] : []));
}
