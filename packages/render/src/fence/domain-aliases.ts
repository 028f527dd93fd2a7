/** Further hosts that a host of a fence brings along, by Slime's `domainAliases`. */
import { type DomainAlias, isEgressHost, re2Fault } from "@fenceline/api";

/** A rule that can be followed. */
interface Rule {
  readonly pattern: RegExp;
  readonly templates: readonly string[];
}

/** A rule that cannot, which says nothing about the others. */
export interface AliasFault {
  /** Its place in the configuration. */
  readonly path: string;
  readonly reason: string;
}

/** A group of Go's regexp.Expand: `$1`, `$name`, `${name}`; and `$$`. */
const GROUP = /\$(?:\$|(\w+)|\{(\w+)\})/g;

/** The rules of the configuration, read once. */
export class DomainAliases {
  readonly faults: readonly AliasFault[];
  readonly #rules: readonly Rule[];

  constructor(aliases: readonly DomainAlias[]) {
    const read = aliases.map((alias, index) => ruleOf(alias, `domainAliases[${index}]`));
    this.#rules = read.filter((each): each is Rule => "pattern" in each);
    this.faults = read.filter((each): each is AliasFault => "reason" in each);
  }

  get isEmpty(): boolean {
    return this.#rules.length === 0;
  }

  /**
   * Other hosts that belong to this one. As in Slime, a rule counts where its pattern is found once
   * in the host; a group that there is not is empty. What is no host is left out.
   */
  of(host: string): readonly string[] {
    const hosts = this.#rules.flatMap(({ pattern, templates }) => {
      const [match, another] = [...host.matchAll(pattern)];
      return match === undefined || another !== undefined ? [] : templates.map((template) => expanded(template, match));
    });
    return [...new Set(hosts)].filter((each) => each !== host && isEgressHost(each));
  }
}

function ruleOf({ pattern, templates }: DomainAlias, path: string): Rule | AliasFault {
  if (templates.length === 0) return { path: `${path}.templates`, reason: "expected a template" };
  const fault = re2Fault(pattern);
  if (fault !== undefined) return { path: `${path}.pattern`, reason: `not an expression of RE2: ${fault}` };
  try {
    return { pattern: new RegExp(pattern.replaceAll("(?P<", "(?<"), "gu"), templates };
  } catch {
    return { path: `${path}.pattern`, reason: "uses what RE2 has and JavaScript has not: write it without" };
  }
}

function expanded(template: string, match: RegExpExecArray): string {
  return template.replaceAll(GROUP, (text, plain?: string, braced?: string) => {
    const name = plain ?? braced;
    if (name === undefined) return text === "$$" ? "$" : "";
    return (/^\d+$/.test(name) ? match[Number(name)] : match.groups?.[name]) ?? "";
  });
}
