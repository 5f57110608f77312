/** A named measurement against peers that are started in the same run on the same work. */
export interface Bench {
  readonly name: string;
  readonly about: string;
  readonly aim: string;
  run(options: BenchOptions): Promise<BenchReport>;
}

export interface BenchOptions {
  /** Few, short batches: shows that the bench works, not how fast anything is. */
  readonly quick: boolean;
  readonly progress: (line: string) => void;
}

export interface BenchReport {
  readonly tables: readonly Table[];
  readonly headline: string;
  /** Whether the aim holds in this run. */
  readonly holds: boolean;
}

export interface Table {
  readonly title: string;
  readonly rows: readonly Readonly<Record<string, string | number>>[];
}
