// Tokens of a template to its syntax tree. Checks what Go's text/template checks at parse time: functions and variables must be
// known, every block must end.
import { goQuote } from '../../model/index.ts';
import { unquote } from '../../promql/index.ts';
import { type Token, type TokenKind, describeToken, lexTemplate } from './lexer.ts';
import { numberNode } from './number-node.ts';
import {
  type Branch,
  type Command,
  type Node,
  type NumberNode,
  type Operand,
  type Pipe,
  type TemplateSet,
  nodeText,
} from './nodes.ts';
import { templateError } from './template-error.ts';

/** Deeper nesting than any person writes. */
const DEPTH_MAX = 200;
const OPERANDS: ReadonlySet<TokenKind> = new Set([
  'bool',
  'char',
  'dot',
  'field',
  'identifier',
  'number',
  'nil',
  'rawString',
  'string',
  'variable',
  '(',
]);

type Ending = { readonly type: 'end' | 'else' };

/** Parses a template. `hasFunction` says which functions there are. Throws TidemarkError `bad_template` in Go's words. */
export function parseTemplateText(name: string, text: string, hasFunction: (name: string) => boolean): TemplateSet {
  return new Parser(name, text, hasFunction).parse();
}

class Parser {
  readonly #name: string;
  readonly #text: string;
  readonly #hasFunction: (name: string) => boolean;
  readonly #tokens: readonly Token[];
  readonly #templates = new Map<string, readonly Node[]>();
  #at = 0;
  /** The furthest token that was looked at: errors are in its line. */
  #seen = 0;
  #variables = ['$'];
  #rangeDepth = 0;
  #depth = 0;
  #actionLine = 0;

  constructor(name: string, text: string, hasFunction: (name: string) => boolean) {
    this.#name = name;
    this.#text = text;
    this.#hasFunction = hasFunction;
    this.#tokens = lexTemplate(text);
  }

  parse(): TemplateSet {
    const nodes: Node[] = [];
    while (this.#peek().kind !== 'eof') {
      if (this.#isDefinition()) {
        this.#definition();
        continue;
      }
      const node = this.#textOrAction();
      if (node.type === 'end' || node.type === 'else') this.#fail(`unexpected {{${node.type}}}`);
      nodes.push(node as Node);
    }
    this.#templates.set(this.#name, nodes);
    return { name: this.#name, text: this.#text, templates: this.#templates };
  }

  #lineOf(token: Token): number {
    let line = 1;
    for (let i = this.#text.indexOf('\n'); i >= 0 && i < token.pos; i = this.#text.indexOf('\n', i + 1)) line++;
    return line;
  }

  #fail(problem: string): never {
    const line = this.#lineOf(this.#tokens[this.#seen]);
    throw templateError(`template: ${this.#name}:${line}: ${problem}`);
  }

  #unexpected(token: Token, context: string): never {
    if (token.kind !== 'error') this.#fail(`unexpected ${describeToken(token)} in ${context}`);
    let extra = '';
    if (this.#actionLine !== 0 && this.#actionLine !== this.#lineOf(token)) {
      extra = ` in action started at ${this.#name}:${this.#actionLine}`;
      if (token.text.endsWith(' action')) extra = extra.slice(' in action'.length);
    }
    this.#fail(token.text + extra);
  }

  #next(): Token {
    const token = this.#peek();
    if (this.#at < this.#tokens.length - 1) this.#at++;
    return token;
  }

  #peek(): Token {
    this.#seen = Math.max(this.#seen, this.#at);
    return this.#tokens[this.#at];
  }

  #skipSpace(): void {
    while (this.#peek().kind === 'space') this.#at++;
  }

  #nextNonSpace(): Token {
    this.#skipSpace();
    return this.#next();
  }

  #peekNonSpace(): Token {
    this.#skipSpace();
    return this.#peek();
  }

  #expect(kind: TokenKind, context: string): Token {
    const token = this.#nextNonSpace();
    return token.kind === kind ? token : this.#unexpected(token, context);
  }

  #isDefinition(): boolean {
    if (this.#peek().kind !== 'open') return false;
    let i = this.#at + 1;
    while (this.#tokens[i]?.kind === 'space') i++;
    const token = this.#tokens[i];
    return token?.kind === 'keyword' && token.text === 'define';
  }

  #definition(): void {
    const context = 'define clause';
    this.#next();
    this.#nextNonSpace();
    const name = this.#templateName(context);
    this.#expect('close', context);
    const before = this.#variables;
    this.#variables = ['$'];
    const { nodes, ending } = this.#list();
    if (ending.type !== 'end') this.#fail(`unexpected {{${ending.type}}} in ${context}`);
    this.#templates.set(name, nodes);
    this.#variables = before;
  }

  #templateName(context: string): string {
    const token = this.#nextNonSpace();
    if (token.kind !== 'string' && token.kind !== 'rawString') this.#unexpected(token, context);
    return unquote(token.text);
  }

  #list(): { nodes: Node[]; ending: Ending } {
    if (++this.#depth > DEPTH_MAX) this.#fail(`blocks are nested more than ${DEPTH_MAX} deep`);
    const nodes: Node[] = [];
    while (this.#peekNonSpace().kind !== 'eof') {
      const node = this.#textOrAction();
      if (node.type === 'end' || node.type === 'else') {
        this.#depth--;
        return { nodes, ending: node as Ending };
      }
      nodes.push(node as Node);
    }
    this.#fail('unexpected EOF');
  }

  #textOrAction(): Node | Ending {
    const token = this.#nextNonSpace();
    if (token.kind === 'text') return { type: 'text', pos: token.pos, text: token.text };
    if (token.kind !== 'open') this.#unexpected(token, 'input');
    this.#actionLine = this.#lineOf(token);
    const node = this.#action();
    this.#actionLine = 0;
    return node;
  }

  #action(): Node | Ending {
    const token = this.#peekNonSpace();
    if (token.kind !== 'keyword') {
      const pipe = this.#pipeline('command', 'close');
      return { type: 'action', pos: token.pos, pipe };
    }
    this.#next();
    switch (token.text) {
      case 'if':
      case 'range':
      case 'with':
        return this.#control(token.text, token);
      case 'break':
      case 'continue':
        return this.#jump(token.text, token);
      case 'end':
        this.#expect('close', 'end');
        return { type: 'end' };
      case 'else':
        return this.#else();
      case 'template':
        return this.#template();
      case 'block':
        return this.#block(token);
      default:
        return this.#unexpected(token, 'command');
    }
  }

  #jump(type: 'break' | 'continue', token: Token): Node {
    const next = this.#nextNonSpace();
    if (next.kind !== 'close') this.#unexpected(next, `{{${type}}}`);
    if (this.#rangeDepth === 0) this.#fail(`{{${type}}} outside {{range}}`);
    return { type, pos: token.pos };
  }

  #else(): Ending {
    const next = this.#peekNonSpace();
    if (next.kind === 'keyword' && (next.text === 'if' || next.text === 'with')) return { type: 'else' };
    this.#expect('close', 'else');
    return { type: 'else' };
  }

  #control(type: Branch['type'], token: Token): Branch {
    const variableCount = this.#variables.length;
    const pipe = this.#pipeline(type, 'close');
    if (type === 'range') this.#rangeDepth++;
    const { nodes: list, ending } = this.#list();
    if (type === 'range') this.#rangeDepth--;
    const elseList = ending.type === 'else' ? this.#elseList(type) : null;
    this.#variables.length = variableCount;
    return { type, pos: token.pos, pipe, list, elseList };
  }

  #elseList(type: Branch['type']): Node[] {
    const next = this.#peek();
    if (type !== 'range' && next.kind === 'keyword' && next.text === type) {
      this.#next();
      if (++this.#depth > DEPTH_MAX) this.#fail(`blocks are nested more than ${DEPTH_MAX} deep`);
      const branch = this.#control(type, next);
      this.#depth--;
      return [branch];
    }
    const { nodes, ending } = this.#list();
    if (ending.type !== 'end') this.#fail(`expected end; found {{${ending.type}}}`);
    return nodes;
  }

  #template(): Node {
    const context = 'template clause';
    const { pos } = this.#peekNonSpace();
    const name = this.#templateName(context);
    let pipe: Pipe | null = null;
    if (this.#peekNonSpace().kind === 'close') this.#next();
    else pipe = this.#pipeline(context, 'close');
    return { type: 'template', pos, name, pipe };
  }

  #block(token: Token): Node {
    const context = 'block clause';
    const name = this.#templateName(context);
    const pipe = this.#pipeline(context, 'close');
    const before = this.#variables;
    this.#variables = ['$'];
    const { nodes, ending } = this.#list();
    if (ending.type !== 'end') this.#fail(`unexpected {{${ending.type}}} in ${context}`);
    this.#variables = before;
    this.#templates.set(name, nodes);
    return { type: 'template', pos: token.pos, name, pipe };
  }

  #pipeline(context: string, end: TokenKind): Pipe {
    if (++this.#depth > DEPTH_MAX) this.#fail(`pipelines are nested more than ${DEPTH_MAX} deep`);
    const { pos } = this.#peekNonSpace();
    const { variables, isAssign } = this.#declarations(context);
    const commands: Command[] = [];
    for (;;) {
      const token = this.#peekNonSpace();
      if (token.kind === end) {
        this.#next();
        break;
      }
      if (!OPERANDS.has(token.kind)) this.#unexpected(this.#next(), context);
      commands.push(this.#command());
    }
    this.#checkPipeline(commands, context);
    this.#depth--;
    return { type: 'pipe', pos, isAssign, variables, commands };
  }

  #declarations(context: string): { variables: string[]; isAssign: boolean } {
    const variables: string[] = [];
    while (this.#peekNonSpace().kind === 'variable') {
      const start = this.#at;
      const variable = this.#next().text;
      const next = this.#peekNonSpace();
      if (next.kind === '=' || next.kind === ':=') {
        this.#next();
        variables.push(variable);
        this.#variables.push(variable);
        return { variables, isAssign: next.kind === '=' };
      }
      if (next.text !== ',') {
        this.#at = start;
        break;
      }
      this.#next();
      variables.push(variable);
      this.#variables.push(variable);
      if (context !== 'range' || variables.length >= 2) this.#fail(`too many declarations in ${context}`);
      const { kind } = this.#peekNonSpace();
      if (kind !== 'variable' && kind !== 'close' && kind !== ')') this.#fail('range can only initialize variables');
    }
    return { variables, isAssign: false };
  }

  #checkPipeline(commands: readonly Command[], context: string): void {
    if (commands.length === 0) this.#fail(`missing value for ${context}`);
    for (const [i, { args }] of commands.entries()) {
      if (i > 0 && ['bool', 'dot', 'nil', 'number', 'string'].includes(args[0].type))
        this.#fail(`non executable command in pipeline stage ${i + 1}`);
    }
  }

  #command(): Command {
    const { pos } = this.#peekNonSpace();
    const args: Operand[] = [];
    for (;;) {
      this.#skipSpace();
      const operand = this.#operand();
      if (operand) args.push(operand);
      const token = this.#next();
      if (token.kind === 'space') continue;
      if (token.kind === 'close' || token.kind === ')') this.#at--;
      else if (token.kind !== '|') this.#unexpected(token, 'operand');
      break;
    }
    if (args.length === 0) this.#fail('empty command');
    return { type: 'command', pos, args };
  }

  #operand(): Operand | null {
    const node = this.#term();
    if (node === null || this.#peek().kind !== 'field') return node;
    const { pos } = this.#peek();
    const fields: string[] = [];
    while (this.#peek().kind === 'field') fields.push(this.#next().text.slice(1));
    switch (node.type) {
      case 'field':
        return { type: 'field', pos, fields: [...node.fields, ...fields] };
      case 'variable':
        return { type: 'variable', pos, name: node.name, fields: [...node.fields, ...fields] };
      case 'bool':
      case 'string':
      case 'number':
      case 'nil':
      case 'dot':
        return this.#fail(`unexpected . after term ${goQuote(nodeText(node))}`);
      default:
        return { type: 'chain', pos, node, fields };
    }
  }

  #term(): Operand | null {
    const token = this.#peekNonSpace();
    if (!OPERANDS.has(token.kind)) return null;
    this.#next();
    const { pos, text } = token;
    switch (token.kind) {
      case 'identifier':
        if (!this.#hasFunction(text)) this.#fail(`function ${goQuote(text)} not defined`);
        return { type: 'identifier', pos, name: text };
      case 'dot':
        return { type: 'dot', pos };
      case 'nil':
        return { type: 'nil', pos };
      case 'variable':
        if (!this.#variables.includes(text)) this.#fail(`undefined variable ${goQuote(text)}`);
        return { type: 'variable', pos, name: text, fields: [] };
      case 'field':
        return { type: 'field', pos, fields: [text.slice(1)] };
      case 'bool':
        return { type: 'bool', pos, value: text === 'true' };
      case 'char':
      case 'number':
        return this.#number(token);
      case '(':
        return this.#pipeline('parenthesized pipeline', ')');
      default:
        return { type: 'string', pos, quoted: text, value: unquote(text) };
    }
  }

  #number({ kind, pos, text }: Token): NumberNode {
    const found = numberNode(text, kind === 'char', pos);
    return typeof found === 'string' ? this.#fail(found) : found;
  }
}
