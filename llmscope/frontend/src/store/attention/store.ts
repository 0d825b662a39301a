import { type ReadonlySignal, batch, computed, effect, signal } from "@preact/signals";
import type { LayerRow, StepsAnswer, Trace } from "../../protocol/answers";
import {
  type HeadPair,
  type MatrixName,
  type Pool,
  type Request,
  headMatrix,
  sameMatrix,
} from "../../protocol/keys";
import { type Direction, type Kind, MOST_HEADS, type ScoreName, TILE } from "../../protocol/shared";
import { ask } from "../ask";
import type { Core } from "../core";
import type { Sides as OfTwo } from "../sides";
import { stable } from "../stable";
import { firstRow, isDrawn, readLine, readMatrix, readTile, tilesIn } from "./requests";
import { Thumbnails } from "./thumbnails";
import {
  type Cell,
  type Head,
  type Line,
  type Matrix,
  type Sides,
  type Steps,
  type Tile,
  type Viewport,
  hasHead,
  lineIn,
  matrixOf,
  matrixOfArcs,
  sidesOf,
} from "./types";

/** All that is read of attention, and which of it is shown. */
export class AttentionStore {
  readonly thumbnails: Thumbnails;
  readonly matrix = signal<Matrix | null>(null);
  readonly tiles = signal<readonly Tile[]>([]);
  readonly line = signal<Line | null>(null);
  /** Whole matrices of the chosen heads, for arcs. */
  readonly overlays = signal<readonly Matrix[]>([]);
  readonly steps = signal<Steps | null>(null);

  /** The head under the mouse, shown in place of the one in focus. */
  readonly preview = signal<Head | null>(null);
  readonly cell = signal<Cell | null>(null);
  /** Chosen heads whose arcs aren't drawn for now, as "layer.head". */
  readonly muted = signal<ReadonlySet<string>>(new Set());
  /** How far the steps have come. */
  readonly stage = signal(0);
  readonly viewport = signal<Viewport | null>(null);
  /** How a block of weights that is too small to see is reduced to one. */
  readonly pool = signal<Pool>("max");

  /** The trace on screen, or its difference to another. */
  readonly trace: ReadonlySignal<Trace | null>;
  readonly kind: ReadonlySignal<Kind>;
  readonly layers: ReadonlySignal<LayerRow[]>;
  readonly sides: ReadonlySignal<Sides>;
  readonly shown: ReadonlySignal<Head>;
  readonly name: ReadonlySignal<MatrixName>;
  /** The matrix that the text is shaded by; of several arcs their mean, `null` where none is drawn. */
  readonly shading: ReadonlySignal<MatrixName | null>;
  /** The token in focus, on the side that the direction starts from. */
  readonly pinned: ReadonlySignal<number>;
  /** Why what is wanted can't be shown, in words. */
  readonly lacking: ReadonlySignal<string | null>;
  readonly #isOfTwo: ReadonlySignal<boolean>;

  constructor(
    private readonly core: Core,
    private readonly ofTwo: OfTwo,
  ) {
    const { state, trace } = core;
    this.#isOfTwo = computed(() => ofTwo.isDifference.value && state.mode.value === "matrix");
    this.trace = computed(() => (this.#isOfTwo.value ? ofTwo.difference.value : trace.value));
    this.thumbnails = new Thumbnails(trace, (error) => core.report(error));
    this.kind = computed(() => {
      const now = trace.value;
      const wanted = state.kind.value;
      return wanted && now?.kinds[wanted] ? wanted : (now?.kind ?? "self");
    });
    this.layers = computed(() => trace.value?.kinds[this.kind.value] ?? []);
    this.sides = computed(() => {
      const now = this.trace.value ?? trace.value;
      return now ? sidesOf(now, this.kind.value) : { queries: [], keys: [] };
    });
    this.shown = computed(() => {
      const preview = this.preview.value;
      if (preview && !core.lacks(this.#sampleOf(preview))) return preview;
      return { layer: state.layer.value, head: state.head.value };
    });
    this.name = stable(
      () =>
        matrixOf(this.shown.value, {
          heads: state.heads.value,
          // What is under the mouse is shown by itself, and only a matrix is of several heads.
          combine:
            state.mode.value !== "matrix" || this.preview.value ? "none" : state.combine.value,
          hideSink: state.hideSink.value,
        }),
      sameMatrix,
    );
    this.shading = stable(() => {
      const heads = state.heads.value;
      if (state.mode.value !== "arcs" || this.preview.value || !heads.length)
        return this.name.value;
      const drawn = heads.filter(([layer, head]) => !this.muted.value.has(`${layer}.${head}`));
      return matrixOfArcs(drawn, state.hideSink.value);
    }, sameMatrix);
    this.pinned = computed(() => {
      const { queries, keys } = this.sides.value;
      const side = state.direction.value === "from" ? queries : keys;
      const at = this.#isOfTwo.value ? ofTwo.rowOf(core.focus.value) : core.focus.value;
      return Math.max(0, Math.min(at, side.length - 1));
    });
    this.lacking = computed(() => {
      if (this.#isOfTwo.value && ofTwo.why.value) return ofTwo.why.value;
      if (!this.#ready || !hasHead(this.#ready, this.kind.value, this.shown.value)) return null;
      return core.lacks(this.#sampleOf(this.shown.value, this.name.value));
    });
  }

  start(): () => void {
    const { core } = this;
    const { state } = core;
    const ends = [
      // A pinned cell is one of the query in focus.
      effect(() => {
        const query = this.pinned.value;
        if (this.cell.peek() && this.cell.peek()!.query !== query) this.cell.value = null;
      }),
      effect(() => {
        const chosen = new Set(state.heads.value.map(([layer, head]) => `${layer}.${head}`));
        const muted = [...this.muted.peek()].filter((name) => chosen.has(name));
        if (muted.length < this.muted.peek().size) this.muted.value = new Set(muted);
      }),
      effect(() => this.#followMatrix()),
      effect(() => this.#followLine()),
      effect(() => this.#followViewport()),
      effect(() => this.#followOverlays()),
      effect(() => this.#followSteps()),
      effect(() => this.#followThumbnails()),
    ];
    return () => ends.forEach((end) => end());
  }

  /** Nothing is left of any text. */
  clear(): void {
    batch(() => {
      this.matrix.value = null;
      this.tiles.value = [];
      this.line.value = null;
      this.steps.value = null;
      this.cell.value = null;
      this.overlays.value = [];
      this.thumbnails.read.value = new Map();
    });
  }

  // ── gestures ──────────────────────────────────────────────────────────────────────────────

  /** Keeps a head in focus. */
  keep({ layer, head }: Head): void {
    const { state } = this.core;
    batch(() => {
      state.telling.value = false;
      state.layer.value = layer;
      state.head.value = head;
    });
  }

  /** Chooses a head, or no longer. */
  toggle({ layer, head }: Head): void {
    const { heads } = this.core.state;
    const muted = new Set(this.muted.value);
    if (muted.delete(`${layer}.${head}`)) this.muted.value = muted;
    const left = heads.value.filter(([l, h]) => l !== layer || h !== head);
    if (left.length < heads.value.length) heads.value = left;
    else if (left.length < MOST_HEADS) heads.value = [...left, [layer, head]];
  }

  choose(heads: HeadPair[]): void {
    batch(() => {
      this.core.state.heads.value = heads.slice(0, MOST_HEADS);
      this.muted.value = new Set();
    });
  }

  /** Pins a token on the side of the queries ("from") or of the keys ("to"). */
  pin(direction: Direction, index: number): void {
    batch(() => {
      this.cell.value = null;
      this.core.state.direction.value = direction;
      this.core.state.position.value = this.#isOfTwo.peek() ? this.ofTwo.positionOf(index) : index;
    });
  }

  pinCell(cell: Cell): void {
    batch(() => {
      this.pin("from", cell.query);
      this.cell.value = cell;
    });
  }

  /** Says what is on screen of a matrix. */
  look(viewport: Viewport): void {
    const before = this.viewport.peek();
    if (JSON.stringify(before) !== JSON.stringify(viewport)) this.viewport.value = viewport;
  }

  /** Goes back one step of selection; false when there is none. */
  escape(): boolean {
    const { direction } = this.core.state;
    if (this.cell.value) this.cell.value = null;
    else if (direction.value === "to") direction.value = "from";
    else return false;
    return true;
  }

  /** A score of a head, once it is known. */
  score(name: ScoreName, head: Head): number | undefined {
    return this.thumbnails.score(name, this.kind.value, head);
  }

  /** The true weights from a query ("from") or to a key ("to"). */
  async lineOf(name: MatrixName, direction: Direction, index: number): Promise<Line> {
    const trace = this.trace.peek()!;
    const kind = this.kind.peek();
    const matrix = this.matrix.peek();
    if (
      matrix?.level === 0 &&
      matrix.trace === trace &&
      matrix.kind === kind &&
      sameMatrix(matrix.name, name)
    )
      return lineIn(matrix, direction, index);
    const weights = await readLine(this.core.cache(), { trace, kind, name }, direction, index);
    return { trace, kind, name, direction, index, ...this.shown.peek(), weights };
  }

  /** Whether the answer to a request is what is drawn. */
  has(request: Request): boolean {
    return isDrawn(request, this.steps.peek(), [this.matrix.peek(), ...this.overlays.peek()]);
  }

  // ── asking ────────────────────────────────────────────────────────────────────────────────

  get #ready(): Trace | null {
    return this.core.isSeen.value ? this.trace.value : null;
  }

  #shows(panel: string): boolean {
    return this.core.state.panels.value.includes(panel);
  }

  /** Why a matrix of the text on screen can't be shown, in words; `null` where it can. */
  lacks(matrix: MatrixName): string | null {
    return this.core.lacks(firstRow(this.trace.value, this.kind.value, matrix));
  }

  /** A request that is answered where what is shown of a head can be. */
  #sampleOf({ layer, head }: Head, name = headMatrix(layer, head)): Request {
    const trace = this.trace.value;
    const kind = this.kind.value;
    const query = Math.min(this.core.focus.value, this.sides.value.queries.length - 1);
    return this.core.state.mode.value === "steps" && this.#shows("attention")
      ? { type: "steps", trace: trace?.name ?? "", kind, layer, head, query }
      : firstRow(trace, kind, name);
  }

  #wantsMatrix(): boolean {
    return this.#shows("attention") && this.core.state.mode.value !== "steps";
  }

  #readMatrix(trace: Trace, name: MatrixName, signal: AbortSignal): Promise<Matrix> {
    const [kind, sides, shown] = [this.kind.peek(), this.sides.peek(), this.shown.peek()];
    const of = { trace, kind, name, sides, ...shown };
    return readMatrix(this.core.cache(), of, this.pool.peek(), signal);
  }

  #followMatrix(): (() => void) | void {
    const trace = this.#ready;
    const name = this.name.value;
    void [this.kind.value, this.pool.value];
    if (!trace || !this.#wantsMatrix() || this.lacking.value) return;
    if (!hasHead(trace, this.kind.value, this.shown.value)) return;
    return ask(
      this.core,
      (signal) => this.#readMatrix(trace, name, signal),
      (matrix) => {
        if (this.matrix.peek()?.cells !== matrix.cells) this.matrix.value = matrix;
      },
    );
  }

  #followLine(): (() => void) | void {
    const trace = this.#ready;
    const name = this.shading.value;
    const direction = this.core.state.direction.value;
    const index = this.pinned.value;
    const kind = this.kind.value;
    const matrix = this.matrix.value;
    const wanted = this.#shows("tokens") || this.#shows("attention");
    if (!trace || !wanted || !hasHead(trace, this.kind.value, this.shown.value)) return;
    if (!name || this.core.lacks(firstRow(trace, kind, name))) {
      this.line.value = null;
      return;
    }
    const { queries, keys } = this.sides.value;
    const isOfMatrix = this.#wantsMatrix() && sameMatrix(name, this.name.value);
    const comes = isOfMatrix && Math.max(queries.length, keys.length) <= TILE;
    const isHere = matrix?.trace === trace && sameMatrix(matrix.name, name) && matrix.kind === kind;
    if (comes && !isHere) return; // The matrix that is on its way holds the line.
    return ask(
      this.core,
      () => this.lineOf(name, direction, index),
      (line) => (this.line.value = line),
    );
  }

  #followViewport(): (() => void) | void {
    const matrix = this.matrix.value;
    const viewport = this.viewport.value;
    const pool = this.pool.value;
    if (!matrix || !viewport || !this.#ready) return;
    const span = viewport.query[1] - viewport.query[0];
    const level = Math.max(0, Math.floor(Math.log2(span / viewport.pixels)));
    const kept = this.tiles.peek().filter((tile) => tile.matrix === matrix && tile.level === level);
    if (level >= matrix.level) {
      if (this.tiles.peek().length > 0) this.tiles.value = [];
      return;
    }
    if (kept.length < this.tiles.peek().length) this.tiles.value = kept;
    const ends = tilesIn(matrix, viewport, level)
      .filter((at) => !kept.some(({ row, column }) => row === at.row && column === at.column))
      .map((at) =>
        ask(
          this.core,
          (signal) => readTile(this.core.cache(), matrix, at, pool, signal),
          (cells) => (this.tiles.value = [...this.tiles.peek(), { matrix, ...at, cells }]),
        ),
      );
    return () => ends.forEach((end) => end());
  }

  #followOverlays(): (() => void) | void {
    const trace = this.#ready;
    const kind = this.kind.value;
    const { mode, heads, hideSink } = this.core.state;
    const { queries, keys } = this.sides.value;
    const sink = hideSink.value;
    if (!trace || mode.value !== "arcs" || !this.#shows("attention")) return;
    // Of longer texts only the lines of one token are drawn.
    if (Math.max(queries.length, keys.length) > TILE) return;
    const names = heads.value
      .filter(([layer, head]) => hasHead(trace, kind, { layer, head }))
      .map(([layer, head]) => headMatrix(layer, head, sink))
      .filter((name) => !this.core.lacks(firstRow(trace, kind, name)));
    const isKnown = (name: MatrixName) =>
      this.overlays.peek().some((matrix) => sameMatrix(matrix.name, name));
    const isWanted = ({ name: own, ...of }: Matrix) =>
      of.trace === trace && of.kind === kind && names.some((name) => sameMatrix(own, name));
    this.overlays.value = this.overlays.peek().filter(isWanted);
    const ends = names
      .filter((name) => !isKnown(name))
      .map((name) =>
        ask(
          this.core,
          (signal) => this.#readMatrix(trace, name, signal),
          (matrix) => (this.overlays.value = [...this.overlays.peek(), matrix]),
        ),
      );
    return () => ends.forEach((end) => end());
  }

  #followSteps(): (() => void) | void {
    const trace = this.#ready;
    const { layer, head } = this.shown.value;
    const kind = this.kind.value;
    const focus = this.core.focus.value;
    const sides = this.sides.value;
    if (!trace || this.core.state.mode.value !== "steps" || !this.#shows("attention")) return;
    if (!hasHead(trace, this.kind.value, { layer, head }) || this.lacking.value) return;
    const at = Math.min(focus, sides.queries.length - 1);
    const request: Request = { type: "steps", trace: trace.name, kind, layer, head, query: at };
    return ask(
      this.core,
      (signal) => this.core.cache().read<StepsAnswer>(request, signal),
      (steps) => (this.steps.value = { ...steps, trace, kind, layer, head, at, sides }),
    );
  }

  #followThumbnails(): void {
    const trace = this.ofTwo.comparesHeads.value ? null : this.core.trace.value;
    if (!trace || !this.core.isSeen.value || !this.#shows("overview")) return;
    const layers = this.layers.value.map(([layer]) => layer);
    this.thumbnails.follow(this.core.cache(), trace, this.kind.value, layers);
  }
}
