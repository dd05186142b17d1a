// The syntax tree of a template, and its text as messages quote it.
import { goQuote } from '../../model/index.ts';

interface At {
  readonly pos: number;
}

export interface NumberNode extends At {
  readonly type: 'number';
  readonly text: string;
  /** null: it is no whole number, or not one of 64 bits. */
  readonly int: bigint | null;
  readonly float: number;
  /** Written with a point or an exponent: a float wherever no type asks for another. */
  readonly isFloat: boolean;
}

/** An operand of a command. */
export type Operand =
  | (At & { readonly type: 'identifier'; readonly name: string })
  | (At & { readonly type: 'variable'; readonly name: string; readonly fields: readonly string[] })
  | (At & { readonly type: 'field'; readonly fields: readonly string[] })
  | (At & { readonly type: 'chain'; readonly node: Operand; readonly fields: readonly string[] })
  | (At & { readonly type: 'dot' })
  | (At & { readonly type: 'nil' })
  | (At & { readonly type: 'bool'; readonly value: boolean })
  | NumberNode
  | (At & { readonly type: 'string'; readonly quoted: string; readonly value: string })
  | Pipe;

export interface Command extends At {
  readonly type: 'command';
  readonly args: readonly Operand[];
}

export interface Pipe extends At {
  readonly type: 'pipe';
  readonly isAssign: boolean;
  /** Variables that are declared or assigned, with their `$`. */
  readonly variables: readonly string[];
  readonly commands: readonly Command[];
}

export interface Branch extends At {
  readonly type: 'if' | 'range' | 'with';
  readonly pipe: Pipe;
  readonly list: readonly Node[];
  readonly elseList: readonly Node[] | null;
}

export type Node =
  | (At & { readonly type: 'text'; readonly text: string })
  | (At & { readonly type: 'action'; readonly pipe: Pipe })
  | Branch
  | (At & { readonly type: 'template'; readonly name: string; readonly pipe: Pipe | null })
  | (At & { readonly type: 'break' | 'continue' });

/** Templates of one text by name; the text itself is under the name it was parsed with. */
export interface TemplateSet {
  readonly name: string;
  readonly text: string;
  readonly templates: ReadonlyMap<string, readonly Node[]>;
}

const dotted = (fields: readonly string[]): string => fields.map((field) => `.${field}`).join('');

/** An operand, command or pipeline as text. */
export function nodeText(node: Operand | Command): string {
  switch (node.type) {
    case 'identifier':
      return node.name;
    case 'variable':
      return node.name + dotted(node.fields);
    case 'field':
      return dotted(node.fields);
    case 'chain':
      return (node.node.type === 'pipe' ? `(${nodeText(node.node)})` : nodeText(node.node)) + dotted(node.fields);
    case 'dot':
      return '.';
    case 'nil':
      return 'nil';
    case 'bool':
      return String(node.value);
    case 'number':
      return node.text;
    case 'string':
      return node.quoted;
    case 'command':
      return node.args.map((arg) => (arg.type === 'pipe' ? `(${nodeText(arg)})` : nodeText(arg))).join(' ');
    case 'pipe': {
      const commands = node.commands.map(nodeText).join(' | ');
      if (node.variables.length === 0) return commands;
      return `${node.variables.join(', ')} ${node.isAssign ? '=' : ':='} ${commands}`;
    }
  }
}

/** A statement as text. */
export function statementText(node: Node): string {
  switch (node.type) {
    case 'text':
      return node.text;
    case 'action':
      return `{{${nodeText(node.pipe)}}}`;
    case 'template':
      return `{{template ${goQuote(node.name)}${node.pipe ? ` ${nodeText(node.pipe)}` : ''}}}`;
    case 'break':
    case 'continue':
      return `{{${node.type}}}`;
    default: {
      const body = node.list.map(statementText).join('');
      const other = node.elseList === null ? '' : `{{else}}${node.elseList.map(statementText).join('')}`;
      return `{{${node.type} ${nodeText(node.pipe)}}}${body}${other}{{end}}`;
    }
  }
}
