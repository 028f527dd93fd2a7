import { ExpressionError } from "./expression-error.ts";

/** A part of an expression in Slime's form. */
export type SlimeToken =
  | { readonly kind: "number"; readonly text: string }
  | { readonly kind: "name"; readonly name: string }
  | { readonly kind: "operator"; readonly text: string }
  | { readonly kind: "end" };

/** Longer ones first, so that `>=` is not read as `>`. */
const TOKEN = /\s*(?:(\{\{.*?\}\})|(\d+(?:\.\d*)?|\.\d+)|(>=|<=|==|!=|&&|\|\||[-+*/%<>|&!()])|(\S))/gsy;
/** `{{.v1.cpu.max}}`, `{{ ._base.pod }}`. */
const FIELD = /^\.([A-Za-z_][A-Za-z0-9_]*(?:\.[A-Za-z_][A-Za-z0-9_]*)*)$/;
/** `{{index . "v1-canary" "pod"}}`: how a Go template reads a name that is no identifier. */
const INDEX = /^index\s+\.((?:\s+"[^"\\]+")+)$/;

/**
 * Whether an expression is in Slime's form: numbers, operators and templates. An expression with a
 * name outside of a template is CEL.
 */
export function isSlimeForm(text: string): boolean {
  return !/[^\d\s.()+\-*/%<>|&!=]/.test(text.replaceAll(/\{\{.*?\}\}/gs, ""));
}

/** The tokens of an expression in Slime's form, followed by `end`. */
export function slimeTokens(text: string): readonly SlimeToken[] {
  const tokens = [...text.trimEnd().matchAll(TOKEN)].map(([, template, number, operator, other]): SlimeToken => {
    if (template !== undefined) return { kind: "name", name: nameOf(template, text) };
    if (number !== undefined) return { kind: "number", text: number };
    if (operator !== undefined) return { kind: "operator", text: operator };
    throw new ExpressionError("EXPRESSION_SYNTAX", text, `'${other}' is no part of an expression`);
  });
  return [...tokens, { kind: "end" }];
}

function nameOf(template: string, text: string): string {
  const inner = template.slice(2, -2).trim();
  const field = FIELD.exec(inner)?.[1];
  if (field !== undefined) return field;
  const path = INDEX.exec(inner)?.[1];
  if (path !== undefined) return [...path.matchAll(/"([^"]+)"/g)].map(([, part]) => part).join(".");
  throw new ExpressionError(
    "EXPRESSION_NOT_ALLOWED",
    text,
    `${template} is more than a name`,
    'write {{.name}} or {{index . "name" "part"}}; conditions and functions are written in CEL',
  );
}
