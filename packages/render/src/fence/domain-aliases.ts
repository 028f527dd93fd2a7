/** Further hosts that a fence shows together with a host, by Slime's `domainAliases`. */
import { type DomainAlias, isEgressHost, Re2Fault, type Re2Match, Re2Matcher, re2Fault } from "@fenceline/api";

/** A valid rule. */
interface Rule {
  readonly matcher: Re2Matcher;
  readonly templates: readonly string[];
}

/** An invalid rule, which does not affect the others. */
export interface AliasFault {
  /** Its place in the configuration. */
  readonly path: string;
  readonly reason: string;
}

/** Most hosts whose aliases are remembered: fences share many, and ask for each repeatedly. */
const MOST_KNOWN = 10_000;

/** A group of Go's regexp.Expand: `$1`, `$name`, `${name}`; and `$$`. */
const GROUP = /\$(?:\$|(\w+)|\{(\w+)\})/g;

/** The rules of the configuration, read once. */
export class DomainAliases {
  readonly faults: readonly AliasFault[];
  readonly #rules: readonly Rule[];
  readonly #known = new Map<string, readonly string[]>();

  constructor(aliases: readonly DomainAlias[]) {
    const read = aliases.map((alias, index) => ruleOf(alias, `domainAliases[${index}]`));
    this.#rules = read.filter((each): each is Rule => "matcher" in each);
    this.faults = read.filter((each): each is AliasFault => "reason" in each);
  }

  get isEmpty(): boolean {
    return this.#rules.length === 0;
  }

  /**
   * Other hosts that belong to this one. As in Slime, a rule counts where its pattern occurs
   * exactly once in the host, and a group that does not exist is empty. A result that is no host is
   * left out.
   */
  of(host: string): readonly string[] {
    const known = this.#known.get(host);
    if (known !== undefined) return known;
    if (this.#known.size === MOST_KNOWN) this.#known.clear();
    const aliases = this.#aliasesOf(host);
    this.#known.set(host, aliases);
    return aliases;
  }

  #aliasesOf(host: string): readonly string[] {
    const hosts = this.#rules.flatMap(({ matcher, templates }) => {
      const match = onlyMatch(matcher, host);
      return match === undefined ? [] : templates.map((template) => expanded(template, match));
    });
    return [...new Set(hosts)].filter((each) => each !== host && isEgressHost(each));
  }
}

function ruleOf({ pattern, templates }: DomainAlias, path: string): Rule | AliasFault {
  if (templates.length === 0) return { path: `${path}.templates`, reason: "expected a template" };
  const fault = re2Fault(pattern);
  if (fault !== undefined) return { path: `${path}.pattern`, reason: `not an expression of RE2: ${fault}` };
  try {
    const source = pattern.replaceAll("(?P<", "(?<");
    new RegExp(source, "u");
    return { matcher: new Re2Matcher(source), templates };
  } catch (error) {
    const reason = error instanceof Re2Fault ? error.message : "uses what RE2 has and JavaScript has not: write it without";
    return { path: `${path}.pattern`, reason };
  }
}

/** Undefined where there is no match, or a second one. */
function onlyMatch(matcher: Re2Matcher, host: string): Re2Match | undefined {
  const match = matcher.match(host);
  if (match === undefined) return undefined;
  return matcher.match(host, Math.max(match.end, match.start + 1)) === undefined ? match : undefined;
}

function expanded(template: string, match: Re2Match): string {
  return template.replaceAll(GROUP, (text, plain?: string, braced?: string) => {
    const name = plain ?? braced;
    if (name === undefined) return text === "$$" ? "$" : "";
    return (/^\d+$/.test(name) ? match.groups[Number(name)] : match.named.get(name)) ?? "";
  });
}
