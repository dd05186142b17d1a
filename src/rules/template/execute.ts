// Executes a parsed template, with the rules and the messages of Go's text/template (option missingkey=zero).
//
// Execution is synchronous. A function that needs an answer from elsewhere (`query`) throws what its caller understands; see
// expand.ts, which runs the template again once the answer is there.
import { goQuote } from '../../model/index.ts';
import { utf8 } from '../../base/index.ts';
import type { ParameterType, TemplateFunction, TemplateFunctions } from './functions.ts';
import {
  type Branch,
  type Command,
  type Node,
  type NumberNode,
  type Operand,
  type Pipe,
  type TemplateSet,
  nodeText,
  statementText,
} from './nodes.ts';
import { FunctionError, templateError } from './template-error.ts';
import { GoMap, type GoValue, QuerySamples, isTrue, printValue, typeName } from './values.ts';
import { fieldOf, fieldType, methodOf } from './fields.ts';

/** Bounds of one expansion: templates come from users. */
const TEMPLATE_DEPTH_MAX = 100;
const STEPS_MAX = 2_000_000;
const OUTPUT_CHARACTERS_MAX = 4 << 20;

type Flow = 'next' | 'break' | 'continue';
type Place = Node | Operand | Command;

/** What a pipeline hands to the next command; `none`: there is nothing. */
type Final = { readonly value: GoValue } | null;

interface Variable {
  readonly name: string;
  value: GoValue;
}

/** Text of a template for some data. Throws TidemarkError `bad_template`, or what a function threw that is no FunctionError. */
export function executeTemplate(set: TemplateSet, functions: TemplateFunctions, data: GoValue): string {
  return new Execution(set, functions).run(data);
}

class Execution {
  readonly #set: TemplateSet;
  readonly #functions: TemplateFunctions;
  #out = '';
  #variables: Variable[] = [];
  /** The template that runs, for messages. */
  #name: string;
  /** The node that is evaluated, for messages: Go names the last one it began with. */
  #node: Place = START;
  #depth = 0;
  #steps = 0;

  constructor(set: TemplateSet, functions: TemplateFunctions) {
    this.#set = set;
    this.#functions = functions;
    this.#name = set.name;
  }

  run(data: GoValue): string {
    this.#variables = [{ name: '$', value: data }];
    const nodes = this.#set.templates.get(this.#set.name) ?? [];
    this.#walkList(nodes, data);
    return this.#out;
  }

  #fail(problem: string): never {
    const { name, text } = this.#set;
    const node = this.#node;
    const before = text.slice(0, node.pos);
    const line = before.split('\n').length;
    const column = utf8(before.slice(before.lastIndexOf('\n') + 1)).length;
    const context = isOperand(node) ? nodeText(node) : statementText(node);
    const where = `${name}:${line}:${column}: executing ${goQuote(this.#name)} at <${context}>`;
    throw templateError(`template: ${where}: ${problem}`);
  }

  #at(node: Place): void {
    this.#node = node;
    if (++this.#steps > STEPS_MAX) this.#fail(`the template takes more than ${STEPS_MAX} steps`);
    if (this.#out.length > OUTPUT_CHARACTERS_MAX)
      this.#fail(`the text grows beyond ${OUTPUT_CHARACTERS_MAX} characters`);
  }

  #walkList(nodes: readonly Node[], dot: GoValue): Flow {
    for (const node of nodes) {
      const flow = this.#walk(node, dot);
      if (flow !== 'next') return flow;
    }
    return 'next';
  }

  #walk(node: Node, dot: GoValue): Flow {
    this.#at(node);
    switch (node.type) {
      case 'text':
        this.#out += node.text;
        return 'next';
      case 'action': {
        const value = this.#pipeline(node.pipe, dot);
        if (node.pipe.variables.length === 0) this.#out += printValue(value);
        return 'next';
      }
      case 'if':
      case 'with':
        return this.#conditional(node, dot);
      case 'range':
        return this.#range(node, dot);
      case 'template':
        this.#template(node, dot);
        return 'next';
      default:
        return node.type;
    }
  }

  #conditional({ type, pipe, list, elseList }: Branch, dot: GoValue): Flow {
    const mark = this.#variables.length;
    const value = this.#pipeline(pipe, dot);
    let flow: Flow = 'next';
    if (isTrue(value)) flow = this.#walkList(list, type === 'with' ? value : dot);
    else if (elseList) flow = this.#walkList(elseList, dot);
    this.#variables.length = mark;
    return flow;
  }

  #range(node: Branch, dot: GoValue): Flow {
    const { pipe, list, elseList } = node;
    const mark = this.#variables.length;
    const value = this.#pipeline(pipe, dot);
    let count = 0;
    let flow: Flow = 'next';
    for (const [key, element] of this.#elements(node, value)) {
      count++;
      const inner = this.#variables.length;
      this.#loopVariables(pipe, key, element);
      flow = this.#walkList(list, element);
      this.#variables.length = inner;
      if (flow === 'break') break;
    }
    flow = 'next';
    if (count === 0 && elseList) flow = this.#walkList(elseList, dot);
    this.#variables.length = mark;
    return flow;
  }

  #loopVariables(pipe: Pipe, key: GoValue, element: GoValue): void {
    const { variables, isAssign } = pipe;
    const values = variables.length === 1 ? [element] : [key, element];
    variables.forEach((name, i) => {
      if (isAssign) this.#assign(name, values[i]);
      else this.#variables.push({ name, value: values[i] });
    });
  }

  *#elements(node: Branch, value: GoValue): Generator<[GoValue, GoValue]> {
    if (value === null) return;
    if (value instanceof QuerySamples) {
      for (const [i, item] of value.items.entries()) yield [BigInt(i), item];
    } else if (value instanceof GoMap) {
      for (const key of value.keys()) yield [key, value.get(key)];
    } else if (typeof value === 'bigint') {
      if (node.pipe.variables.length > 1) this.#fail(`can't use ${value} to iterate over more than one variable`);
      for (let i = 0n; i < value; i++) {
        this.#at(node);
        yield [i, i];
      }
    } else this.#fail(`range can't iterate over ${printValue(value)}`);
  }

  #template(node: Extract<Node, { type: 'template' }>, dot: GoValue): void {
    const nodes = this.#set.templates.get(node.name);
    if (!nodes) this.#fail(`template ${goQuote(node.name)} not defined`);
    if (this.#depth >= TEMPLATE_DEPTH_MAX) this.#fail(`exceeded maximum template depth (${TEMPLATE_DEPTH_MAX})`);
    const data = node.pipe ? this.#pipeline(node.pipe, dot) : null;
    const [variables, name] = [this.#variables, this.#name];
    this.#variables = [{ name: '$', value: data }];
    this.#name = node.name;
    this.#depth++;
    this.#walkList(nodes, data);
    this.#depth--;
    this.#variables = variables;
    this.#name = name;
  }

  #assign(name: string, value: GoValue): void {
    const variable = this.#variables.findLast((candidate) => candidate.name === name);
    if (variable) variable.value = value;
  }

  #variable(name: string): GoValue {
    const variable = this.#variables.findLast((candidate) => candidate.name === name);
    return variable ? variable.value : this.#fail(`undefined variable: ${name}`);
  }

  #pipeline(pipe: Pipe, dot: GoValue): GoValue {
    this.#at(pipe);
    let final: Final = null;
    for (const command of pipe.commands) final = { value: this.#command(command, dot, final) };
    const value = final?.value ?? null;
    // The variables of a range are set anew for each element.
    for (const name of pipe.variables.length === 1 ? pipe.variables : []) {
      if (pipe.isAssign) this.#assign(name, value);
      else this.#variables.push({ name, value });
    }
    return value;
  }

  #command(command: Command, dot: GoValue, final: Final): GoValue {
    const [first, ...args] = command.args;
    switch (first.type) {
      case 'identifier':
        return this.#call(first, command, args, dot, final);
      case 'field':
      case 'variable':
      case 'chain':
        return this.#path(first, command, args, dot, final);
      case 'pipe':
        this.#noArguments(first, args, final);
        return this.#pipeline(first, dot);
      default:
        this.#at(first);
        this.#noArguments(first, args, final);
        return this.#constant(first, dot);
    }
  }

  #noArguments(first: Operand, args: readonly Operand[], final: Final): void {
    if (args.length > 0 || final !== null) this.#fail(`can't give argument to non-function ${nodeText(first)}`);
  }

  #constant(node: Operand, dot: GoValue): GoValue {
    switch (node.type) {
      case 'dot':
        return dot;
      case 'bool':
      case 'string':
        return node.value;
      case 'number':
        return idealNumber(node);
      default:
        return this.#fail(node.type === 'nil' ? 'nil is not a command' : `can't evaluate command ${nodeText(node)}`);
    }
  }

  /** The value of an argument whose type is free. */
  #operand(node: Operand, dot: GoValue): GoValue {
    this.#at(node);
    switch (node.type) {
      case 'identifier':
        return this.#call(node, node, [], dot, null);
      case 'field':
      case 'variable':
      case 'chain':
        return this.#path(node, node, [], dot, null);
      case 'pipe':
        return this.#pipeline(node, dot);
      case 'nil':
        return null;
      default:
        return this.#constant(node, dot);
    }
  }

  /** The value of a variable, field or chain. Arguments go to the last field, which must be a method then. */
  #path(
    node: Extract<Operand, { type: 'field' | 'variable' | 'chain' }>,
    whole: Place,
    args: readonly Operand[],
    dot: GoValue,
    final: Final,
  ): GoValue {
    this.#at(node);
    let value = dot;
    if (node.type === 'variable') value = this.#variable(node.name);
    if (node.type === 'chain') value = this.#operand(node.node, dot);
    if (node.fields.length === 0) this.#noArguments(node, args, final);
    for (const [i, field] of node.fields.entries()) {
      const isLast = i === node.fields.length - 1;
      value = this.#field(whole, value, field, isLast ? args : [], dot, isLast ? final : null);
    }
    return value;
  }

  #field(whole: Place, value: GoValue, field: string, args: readonly Operand[], dot: GoValue, final: Final): GoValue {
    if (value === null) return null; // As missingkey=zero has it.
    const method = methodOf(value, field);
    if (method) return this.#invoke(whole, field, method, args, dot, final);
    const found = fieldOf(value, field);
    if (found === undefined) this.#fail(`can't evaluate field ${field} in type ${fieldType(value)}`);
    if (args.length === 0 && final === null) return found;
    if (value instanceof GoMap) this.#fail(`${field} is not a method but has arguments`);
    this.#fail(`${field} has arguments but cannot be invoked as function`);
  }

  #call(
    node: Extract<Operand, { type: 'identifier' }>,
    whole: Place,
    args: readonly Operand[],
    dot: GoValue,
    final: Final,
  ): GoValue {
    this.#at(node);
    const { name } = node;
    const wanted = this.#functions.get(name);
    if (!wanted) this.#fail(`${goQuote(name)} is not a defined function`);
    if (name === 'and' || name === 'or') return this.#shortCircuit(name, args, dot, final);
    return this.#invoke(whole, name, wanted, args, dot, final);
  }

  #shortCircuit(name: 'and' | 'or', args: readonly Operand[], dot: GoValue, final: Final): GoValue {
    if (args.length === 0 && final === null) this.#fail(`wrong number of args for ${name}: want at least 1 got 0`);
    let value: GoValue = null;
    for (const arg of args) {
      value = this.#operand(arg, dot);
      if (isTrue(value) === (name === 'or')) return value;
    }
    return final === null ? value : final.value;
  }

  #invoke(
    whole: Place,
    name: string,
    wanted: TemplateFunction,
    args: readonly Operand[],
    dot: GoValue,
    final: Final,
  ): GoValue {
    const { parameters, isVariadic = false } = wanted;
    const count = args.length + (final === null ? 0 : 1);
    const least = isVariadic ? parameters.length - 1 : parameters.length;
    if (isVariadic && count < least)
      this.#fail(`wrong number of args for ${name}: want at least ${least} got ${count}`);
    if (!isVariadic && count !== least) this.#fail(`wrong number of args for ${name}: want ${least} got ${count}`);
    const typeAt = (i: number): ParameterType => parameters[Math.min(i, parameters.length - 1)];
    const values = args.map((arg, i) => this.#argument(arg, typeAt(i), dot));
    if (final !== null) values.push(this.#converted(final.value, typeAt(args.length)));
    try {
      return wanted.call(values);
    } catch (error) {
      if (!(error instanceof FunctionError)) throw error;
      this.#at(whole);
      this.#fail(`error calling ${name}: ${error.message}`);
    }
  }

  #argument(node: Operand, type: ParameterType, dot: GoValue): GoValue {
    if (type === 'any') return this.#operand(node, dot);
    this.#at(node);
    if (node.type === 'nil') this.#fail(`cannot assign nil to ${type}`);
    if (node.type === 'number') return this.#typedNumber(node, type);
    if (type === 'string' && node.type === 'bool') this.#fail(`expected string; found ${nodeText(node)}`);
    if (type !== 'string' && (node.type === 'string' || node.type === 'bool')) {
      const wanted = type === 'int' ? 'integer' : type === 'float64' ? 'float' : type;
      const problem =
        type === 'int' || type === 'float64'
          ? `expected ${wanted}`
          : `can't handle ${nodeText(node)} for arg of type ${type}`;
      this.#fail(type === 'int' || type === 'float64' ? `${problem}; found ${nodeText(node)}` : problem);
    }
    return this.#converted(this.#operand(node, dot), type);
  }

  #typedNumber(node: NumberNode, type: ParameterType): GoValue {
    if (type === 'float64') return node.float;
    if (type === 'int') return node.int ?? this.#fail(`expected integer; found ${node.text}`);
    if (type === 'string') this.#fail(`expected string; found ${node.text}`);
    this.#fail(`can't handle ${node.text} for arg of type ${type}`);
  }

  #converted(value: GoValue, type: ParameterType): GoValue {
    if (type === 'any') return value;
    if (value === null) this.#fail(`invalid value; expected ${type}`);
    const actual = typeName(value);
    if (actual === type) return value;
    this.#fail(`wrong type for value; expected ${type}; got ${actual}`);
  }
}

const START: Place = { type: 'text', pos: 0, text: '' };
const STATEMENTS: ReadonlySet<string> = new Set([
  'text',
  'action',
  'if',
  'range',
  'with',
  'template',
  'break',
  'continue',
]);
const isOperand = (node: Place): node is Operand | Command => !STATEMENTS.has(node.type);

const idealNumber = (node: NumberNode): GoValue => (node.isFloat || node.int === null ? node.float : node.int);
