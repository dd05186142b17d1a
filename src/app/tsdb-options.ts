// Arguments of the program's verbs, read as promtool reads them: `--name=value`, `--name value`, `--switch`, `-r`, and what is
// left by position.
import { TidemarkError } from '../base/index.ts';

/** What a verb takes, by name: a text, a list of texts, a whole number, or a switch. */
export interface VerbFlag {
  readonly kind: 'text' | 'list' | 'number' | 'switch';
  readonly help: string;
  /** Shown, and the value where the flag is absent. */
  readonly absent?: string;
  readonly short?: string;
}

/** A verb's line of usage, its flags and its arguments. */
export interface VerbUsage {
  readonly verb: string;
  readonly help: string;
  /** Names of arguments; those in brackets may be absent, a last one with `...` behind it takes all that follow. */
  readonly args: readonly string[];
  readonly flags: Readonly<Record<string, VerbFlag>>;
}

/** Parsed arguments. */
export class VerbArguments {
  readonly #usage: VerbUsage;
  readonly #values = new Map<string, string[]>();
  readonly positional: string[] = [];
  isHelp = false;

  constructor(usage: VerbUsage, args: readonly string[]) {
    this.#usage = usage;
    let flagsEnd = false;
    for (let i = 0; i < args.length; i++) {
      const argument = args[i];
      if (flagsEnd || argument === '-' || !argument.startsWith('-')) this.positional.push(argument);
      else if (argument === '--') flagsEnd = true;
      else if (argument === '-h' || argument === '--help') this.isHelp = true;
      else i += this.#flag(argument, args[i + 1]);
    }
    if (!this.isHelp) this.#checkPositional();
  }

  /** Takes a flag; returns how many further arguments it used. */
  #flag(argument: string, next: string | undefined): number {
    const [, dashes, name, value] = /^(--?)([^=]*)(?:=(.*))?$/s.exec(argument) as RegExpExecArray;
    const { flags } = this.#usage;
    const long = dashes === '--' ? name : Object.keys(flags).find((key) => flags[key].short === name);
    const flag = long === undefined ? undefined : flags[long];
    if (!flag) throw bad(`unknown ${dashes === '--' ? 'long' : 'short'} flag '${dashes}${name}'`);
    if (flag.kind === 'switch') {
      if (value !== undefined) throw bad(`unexpected value for flag '${dashes}${name}'`);
      this.#add(long as string, flag, 'true');
      return 0;
    }
    if (value === undefined && next === undefined) throw bad(`expected argument for flag '${dashes}${name}'`);
    this.#add(long as string, flag, value ?? (next as string));
    return value === undefined ? 1 : 0;
  }

  #add(name: string, { kind }: VerbFlag, value: string): void {
    if (kind === 'number' && !/^-?\d+$/.test(value)) throw bad(`strconv.ParseInt: parsing "${value}": invalid syntax`);
    const known = this.#values.get(name);
    if (known && kind !== 'list') throw bad(`flag '${name}' cannot be repeated`);
    if (known) known.push(value);
    else this.#values.set(name, [value]);
  }

  #checkPositional(): void {
    const { args } = this.#usage;
    const extra = args.at(-1)?.includes('...') ? undefined : this.positional[args.length];
    if (extra !== undefined) throw bad(`unexpected ${extra}`);
    const missing = args.slice(this.positional.length).find((name) => !name.startsWith('['));
    if (missing !== undefined) throw bad(`required argument '${missing.replace('...', '')}' not provided`);
  }

  list(name: string): readonly string[] {
    return this.#values.get(name) ?? [];
  }

  text(name: string): string {
    return this.#values.get(name)?.[0] ?? this.#usage.flags[name].absent ?? '';
  }

  has(name: string): boolean {
    return this.#values.has(name);
  }

  /** A number, within what a time may be; `absent` if the flag is not given. */
  number(name: string, absent: number): number {
    const text = this.#values.get(name)?.[0];
    if (text === undefined) return absent;
    return Math.max(-(2 ** 53), Math.min(2 ** 53, Number(text)));
  }
}

const bad = (text: string) => new TidemarkError('bad_flag', text);

/** The text of --help of a verb. */
export function verbHelp({ verb, help, args, flags }: VerbUsage): string {
  const lines = [
    `usage: tidemark ${verb} [<flags>]${args.map((name) => ` ${shown(name)}`).join('')}`,
    '',
    help,
    '',
    'Flags:',
  ];
  lines.push('  -h, --help', '      Show this help.');
  for (const [name, flag] of Object.entries(flags)) {
    const short = flag.short ? `-${flag.short}, ` : '';
    const value =
      flag.kind === 'switch'
        ? ''
        : `=${flag.absent ? JSON.stringify(flag.absent) : name.split('.').at(-1)?.toUpperCase()}`;
    lines.push(`  ${short}--${name}${value}${flag.kind === 'list' ? ' ...' : ''}`, `      ${flag.help}`);
  }
  return `${lines.join('\n')}\n`;
}

/** An argument as usage shows it. */
export function shown(name: string): string {
  const plain = name.replace(/[[\].]/g, '');
  const more = name.includes('...') ? '...' : '';
  return name.startsWith('[') ? `[<${plain}>${more}]` : `<${plain}>${more}`;
}
