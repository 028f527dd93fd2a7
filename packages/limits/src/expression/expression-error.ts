import { InvalidResource, shortened } from "@fenceline/api";

/** Most characters of an expression that an error repeats. */
const MOST_REPEATED = 100;

/** Why an expression is not accepted. */
export type ExpressionFault =
  /** It is no expression. */
  | "EXPRESSION_SYNTAX"
  /** It names a value that nobody provides. */
  | "EXPRESSION_UNKNOWN_NAME"
  /** Its parts do not match: a number and a boolean. */
  | "EXPRESSION_TYPE"
  /** It is too long, too deep, or uses a part of the language that is not allowed here. */
  | "EXPRESSION_NOT_ALLOWED";

/** An expression of a limiter that cannot be evaluated, whatever the values are. */
export class ExpressionError extends InvalidResource {
  constructor(code: ExpressionFault, text: string, message: string, hint?: string) {
    super(code, { message: `${JSON.stringify(shortened(text, MOST_REPEATED))}: ${message}`, hint });
  }
}
