import { stringify } from "yaml";
import { type JsonSchema, valuesSchema } from "./values.ts";

const HEAD = `# Values of the chart: every setting there is, with its default. values.schema.json checks them.
# Both files are written by \`npm run chart\`, from charts/src/values.ts and, for \`config\`, packages/api/src/config.ts.
`;
/** Columns of a comment. */
const WIDTH = 110;

/**
 * `values.yaml` of the chart: each setting below a comment with its description. A setting without
 * a default is itself a comment.
 */
export function valuesFile(): string {
  const { properties = {} } = valuesSchema();
  const sections = Object.entries(properties).filter(([name]) => name !== "global");
  return `${HEAD}\n${sections.map(([name, schema]) => setting(name, schema, "").join("\n")).join("\n\n")}\n`;
}

function setting(name: string, schema: JsonSchema, indent: string): string[] {
  const comment = wrap(describe(schema), WIDTH - indent.length).map((line) => `${indent}# ${line}`);
  if (schema.properties !== undefined) {
    const inner = Object.entries(schema.properties).flatMap(([key, property]) => setting(key, property, `${indent}  `));
    return [...comment, `${indent}${name}:`, ...inner];
  }
  return [...comment, schema.default === undefined ? `${indent}# ${name}:` : `${indent}${name}: ${flow(schema.default)}`];
}

function describe({ description = "", enum: choices, default: value }: JsonSchema): string {
  const named = choices?.every((choice) => description.includes(`${choice}:`) || choice === value) ?? true;
  return named ? description : `${description} One of ${choices?.map((choice) => flow(choice)).join(", ")}.`;
}

/** In the YAML that Helm reads, a plain `Off` is a boolean: 1.1 quotes it. */
function flow(value: unknown): string {
  return stringify(value, { version: "1.1", collectionStyle: "flow", lineWidth: 0 }).trimEnd();
}

function wrap(text: string, width: number): string[] {
  const lines: string[] = [];
  let line = "";
  for (const word of text.split(" ").filter(Boolean)) {
    if (line !== "" && line.length + 1 + word.length > width) {
      lines.push(line);
      line = word;
    } else line = line === "" ? word : `${line} ${word}`;
  }
  return line === "" ? lines : [...lines, line];
}
