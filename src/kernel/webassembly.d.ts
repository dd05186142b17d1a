// The part of the WebAssembly API we use. TypeScript has it in its browser library only, which the server must not see.

declare namespace WebAssembly {
  class Module {
    private readonly brand;
    static exports(module: Module): { name: string; kind: string }[];
    static imports(module: Module): { module: string; name: string; kind: string }[];
  }

  class Memory {
    constructor(descriptor: { initial: number; maximum?: number });
    readonly buffer: ArrayBuffer;
    grow(pages: number): number;
  }

  class Instance {
    constructor(module: Module, imports?: Record<string, Record<string, unknown>>);
    readonly exports: Record<string, unknown>;
  }

  function instantiate(module: Module, imports?: Record<string, Record<string, unknown>>): Promise<Instance>;
  function compile(bytes: Uint8Array): Promise<Module>;
}
